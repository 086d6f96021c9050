import { describe, expect, test } from 'vitest';
import { readFunction } from '#src/cli/arguments/function-argument.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';

const handler = { kind: 'inline' as const };

async function registryOf(...names: string[]) {
  const functions = createFunctionRegistry(createMemoryKeyValue());
  for (const name of names) await functions.put({ name, handler });
  return { functions };
}

describe('the argument of a function', () => {
  test.for<[string, string, string | undefined]>([
    ['orders', 'orders', undefined],
    ['orders:latest', 'orders', 'latest'],
    ['orders:v1', 'orders', 'v1'],
    ['orders:!prod', 'orders', '!prod'],
    // The version exists, and the function of the package too.
    ['orders:v2', 'orders', 'v2'],
    ['billing:report', 'billing:report', undefined],
    ['default:report', 'report', undefined],
    ['billing:report:v1', 'billing:report', 'v1'],
    ['billing:report:latest', 'billing:report', 'latest'],
    ['billing:report:!prod', 'billing:report', '!prod'],
    ['p2:billing:report', 'billing:report', 'latest'],
    ['p2:billing:report:v1', 'billing:report', 'v1'],
    ['urn:fss:local:p2:function:billing:report', 'billing:report', 'latest'],
    ['urn:fss:local:p2:function:default:orders:v1', 'orders', 'v1'],
    // Nothing of it exists: the version is missing if its function exists, else the function of the package.
    ['orders:v9', 'orders', 'v9'],
    ['nobody:nothing', 'nobody:nothing', undefined],
    ['nobody:1.0', 'nobody', '1.0'],
  ])('%s is the function %s with the qualifier %s', async ([text, name, qualifier]) => {
    const registry = await registryOf('orders', 'orders:v2', 'billing:report', 'report');
    for (const fn of ['orders', 'billing:report']) {
      await registry.functions.publish(fn, { version: 'v1' });
      await registry.functions.put({ name: fn, handler, timeoutInMs: 7 });
      await registry.functions.publish(fn, { version: 'v2' });
      await registry.functions.putAlias(fn, { name: 'prod', version: 'v1' });
    }
    expect(await readFunction(registry, text)).toEqual({ name, qualifier });
  });

  test('may have its qualifier in a flag', async () => {
    const registry = await registryOf('orders', 'billing:report');
    await registry.functions.publish('orders', { version: 'v1' });
    expect(await readFunction(registry, 'orders', 'v1')).toEqual({ name: 'orders', qualifier: 'v1' });
    expect(await readFunction(registry, 'orders:v1', 'v1')).toEqual({ name: 'orders', qualifier: 'v1' });
    expect(await readFunction(registry, 'billing:report', 'v1')).toEqual({ name: 'billing:report', qualifier: 'v1' });
    await expect(readFunction(registry, 'orders:!prod', 'v1')).rejects.toThrow('two qualifiers were given');
    await expect(readFunction(registry, 'orders:v1:x', 'v1')).rejects.toThrow('two qualifiers were given');
  });

  test('names a version to a user who may not read the registry', async () => {
    const functions = { get: () => Promise.reject(new Error('permissions violation')) };
    expect(await readFunction({ functions }, 'orders:v1')).toEqual({ name: 'orders', qualifier: 'v1' });
  });
});
