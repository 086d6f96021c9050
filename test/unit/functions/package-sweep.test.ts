import { expect, test, vi } from 'vitest';
import { createMemoryCodePackages } from '#src/core/memory/memory-code-packages.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { sweepPackages } from '#src/functions/package-sweep.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';

test('a sweep removes the packages that no version refers to, only after the grace period', async () => {
  let now = 0;
  const clock = { now: () => now, sleep: async () => {} };
  const packages = createMemoryCodePackages(clock);
  const functions = createMemoryKeyValue();
  const registry = createFunctionRegistry(functions, { clock });
  const [first = '', second = '', unused = ''] = [
    await packages.put(Buffer.from('1')),
    await packages.put(Buffer.from('2')),
    await packages.put(Buffer.from('3')),
  ];
  const put = (digest: string) => registry.put({ name: 'orders', handler: { kind: 'process', package: digest, file: 'index.js' } });
  await put(first);
  await registry.publish('orders', { version: 'v1' });
  await put(second);
  // An entry that this version of Sequent cannot read.
  const foreign = await packages.put(Buffer.from('4'));
  await functions.put('future', JSON.stringify({ shape: 'of another Sequent', code: foreign }));
  const [get, watch] = [vi.spyOn(functions, 'get'), vi.spyOn(functions, 'watch')];
  const sweep = () => sweepPackages({ packages, functions, clock, graceInMs: 1_000 });

  now = 1_000;
  expect(await sweep()).toEqual([]);
  now = 1_001;
  expect(await sweep()).toEqual([unused]);
  expect((await packages.list()).map(({ digest }) => digest)).toEqual([first, second, foreign]);
  await put(first);
  get.mockClear();
  watch.mockClear();
  expect(await sweep()).toEqual([second]);
  // 100,000 functions are read at once, and not one by one.
  expect([get.mock.calls.length, watch.mock.calls.length]).toEqual([0, 1]);
  // The watch has ended.
  expect(watch.mock.calls[0]?.[1].aborted).toBe(true);
  // A package that is stored again starts a new grace period.
  await registry.delete('orders');
  await packages.put(Buffer.from('1'));
  expect(await sweep()).toEqual([]);
  now = 3_000;
  expect(await sweep()).toEqual([first]);
});
