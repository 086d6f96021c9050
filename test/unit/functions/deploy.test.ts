import { beforeEach, describe, expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';

let registry: FunctionRegistry;
let now = 1_000;
beforeEach(() => {
  now = 1_000;
  registry = createFunctionRegistry(createMemoryKeyValue(), { clock: { now: () => now } });
});
const inline = { kind: 'inline' };
const parts = {
  definition: { handler: inline, timeoutInMs: 5_000, secretUserData: { TOKEN: 'a secret' } },
  versions: { v1: { timeoutInMs: 4_000, description: 'the first one', secretUserData: { TOKEN: '******' } }, v2: {} },
  aliases: { prod: { version: 'v1', weights: { v2: 10 } }, next: { version: 'v2', policy: { maxRetries: 2 } } },
};

describe('a deployment of a function', () => {
  test('stores its definition, its versions and its aliases as one change, and only once', async () => {
    const first = await registry.deploy('orders', parts);
    expect(first).toMatchObject({
      definition: { timeoutInMs: 5_000 },
      versions: [
        { version: 'v1', description: 'the first one', definition: { timeoutInMs: 4_000, secretUserData: { TOKEN: '******' } } },
        { version: 'v2', definition: { timeoutInMs: 5_000 } },
      ],
      aliases: [
        { name: 'next', version: 'v2', policy: { maxRetries: 2 } },
        { name: 'prod', version: 'v1', weights: { v2: 10 } },
      ],
    });
    now += 1_000;
    const again = { ...parts, definition: { ...parts.definition, secretUserData: { TOKEN: '******' } } };
    expect(await registry.deploy('orders', again)).toEqual(first);
  });

  test('keeps the fields, versions and aliases that it does not name, and the pause', async () => {
    await registry.deploy('orders', parts);
    await registry.change('orders', (present) => ({ ...present, description: 'kept', paused: true }));
    const before = await registry.get('orders');
    now += 1_000;
    const { revision: _, ...after } = await registry.deploy('orders', {
      definition: { memoryInMb: 128 },
      aliases: { prod: { weights: {} } },
    });
    const aliases = before.aliases.map((one) => (one.name === 'prod' ? { ...one, weights: {}, changedAt: now, weightedAt: now } : one));
    const { revision: __, ...expected } = before;
    expect(after).toEqual({ ...expected, definition: { ...before.definition, memoryInMb: 128 }, aliases });
  });

  test('changes the policy of a published version, and refuses to change any other part of it', async () => {
    await registry.deploy('orders', parts);
    const changed = await registry.deploy('orders', { definition: {}, versions: { v1: { policy: { maxRetries: 3 } } } });
    expect(changed.versions[0]).toMatchObject({ version: 'v1', definition: { timeoutInMs: 4_000, policy: { maxRetries: 3 } } });
    const before = await registry.get('orders');
    for (const [fields, named] of [
      [{ timeoutInMs: 1 }, 'timeoutInMs'],
      [{ handler: { kind: 'subject', subject: 'a' } }, 'handler'],
      [{ description: 'other' }, 'the description of the version'],
    ] as const)
      await expect(registry.deploy('orders', { definition: {}, versions: { v1: fields } })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringContaining(`a published version keeps its ${named}`),
      });
    expect(await registry.get('orders')).toEqual(before);
  });

  test('moves aliases in an order in which each version has one alias', async () => {
    await registry.deploy('orders', parts);
    const chain = { versions: { v3: { timeoutInMs: 3 } }, aliases: { prod: { version: 'v2', weights: {} }, next: { version: 'v3' } } };
    const { aliases } = await registry.deploy('orders', { definition: {}, ...chain });
    expect(aliases.map(({ name, version }) => [name, version])).toEqual([
      ['next', 'v3'],
      ['prod', 'v2'],
    ]);
    const swap = { aliases: { prod: { version: 'v3' }, next: { version: 'v2' } } };
    await expect(registry.deploy('orders', { definition: {}, ...swap })).rejects.toMatchObject({ code: 'VERSION_REFUSED' });
  });

  test('removes the aliases that it does not name only on request, and an own policy by null', async () => {
    await registry.deploy('orders', parts);
    const kept = await registry.deploy('orders', { definition: {}, aliases: { next: { policy: null } } });
    expect(kept.aliases.map(({ name, policy }) => [name, policy])).toEqual([
      ['next', undefined],
      ['prod', undefined],
    ]);
    const pruned = await registry.deploy('orders', { definition: {}, aliases: { next: {} }, removesAliases: true });
    expect(pruned.aliases.map(({ name }) => name)).toEqual(['next']);
  });

  test('is refused as a whole when a destination of one part does not exist, or a loop closes', async () => {
    const to = (name: string) => ({
      onSuccess: [{ destination: 'FunctionGraph', param: `{"func_urn":"urn:fss:local:default:function:default:${name}"}` }],
    });
    const missing = registry.deploy(
      'orders',
      { definition: { handler: inline }, aliases: { prod: { version: 'latest', policy: to('nobody') } } },
      { known: [] },
    );
    await expect(missing).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('nobody') });
    const loop = registry.deploy('orders', { definition: { handler: inline, policy: to('orders') } }, { known: [] });
    await expect(loop).rejects.toMatchObject({ message: expect.stringContaining('close a loop') });
    expect(await registry.list()).toEqual([]);
  });
});
