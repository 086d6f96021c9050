import { expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { untoldFunctions } from '#src/functions/dependents.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';

const told = { onFailure: [{ destination: 'FunctionGraph' as const, param: JSON.stringify({ func_urn: 'pager' }) }] };

async function entriesOf(define: (registry: ReturnType<typeof createFunctionRegistry>) => Promise<unknown>) {
  const registry = createFunctionRegistry(createMemoryKeyValue());
  await define(registry);
  return (await registry.list()).filter(({ definition }) => definition.name !== 'pager');
}

const put = (registry: ReturnType<typeof createFunctionRegistry>, name: string, policy: object = {}, settings: object = {}) =>
  registry.put({ name, handler: { kind: 'inline' }, policy, ...settings });

test('a function is untold by the policies in use that have no failure destination', async () => {
  const entries = await entriesOf(async (registry) => {
    await put(registry, 'pager');
    await put(registry, 'orders');
    for (const [i, version] of ['v1', 'v2', 'v3'].entries()) {
      await put(registry, 'orders', {}, { memoryInMb: 128 * (i + 1) });
      await registry.publish('orders', { version });
    }
    await put(registry, 'orders', told);
    await put(registry, 'bills', told);
    await put(registry, 'mails');
    await registry.putAlias('orders', { name: 'prod', version: 'v1', weights: { v2: 10 } });
    await registry.putAlias('orders', { name: 'test', version: 'v3', policy: {} });
  });
  expect(untoldFunctions(entries, [])).toEqual([
    { name: 'mails', from: ['mails'] },
    { name: 'orders', from: ['orders:v1', 'orders:v2', 'orders:!test'] },
  ]);
});

test.for([
  ['result.>', ['orders', 'acme=orders']],
  ['result.*.failed', ['orders']],
  ['result.*.*', ['orders']],
  ['result.orders.failed', ['orders']],
  ['result.orders.>', ['orders']],
  ['result.acme.orders.*', ['acme=orders']],
  ['result.orders.succeeded', []],
  ['result.others.failed', []],
  ['result.orders.failed.>', []],
])('a consumer of the results with the filter %s follows the failures of %j', async ([filter, followed]) => {
  const entries = await entriesOf(async (registry) => {
    for (const name of ['orders', 'acme=orders']) await put(registry, name);
  });
  const untold = untoldFunctions(entries, [filter as string]).map(({ name }) => String(name));
  expect(['orders', 'acme=orders'].filter((name) => !untold.includes(name))).toEqual(followed);
});
