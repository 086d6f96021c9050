import { beforeEach, describe, expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';

let registry: FunctionRegistry;
let now = Date.parse('2026-11-24T10:20:30.999Z');
beforeEach(() => {
  registry = createFunctionRegistry(createMemoryKeyValue(), { clock: { now: () => now } });
});

/** Publishes `count` versions, each with another timeout: v1, v2, … */
async function publish(count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    await registry.put({ name: 'orders', handler: { kind: 'inline' }, timeoutInMs: number });
    await registry.publish('orders', { version: `v${number}` });
  }
}

describe('an automatic canary', () => {
  const canary = { name: 'prod', version: 'v1', weights: { v2: 10 }, auto: {} };
  const decision = { decision: 'rolled-back', canary: 'v2', main: 'v1', weight: 10, p: 0.01, why: 'worse' } as const;
  const alias = async () => (await registry.get('orders')).aliases[0];

  test('keeps the time of its weights and itself while the shares stay, and ends with another share', async () => {
    await publish(2);
    const begun = await registry.putAlias('orders', canary);
    expect(begun).toMatchObject({ auto: { promoteAfter: 500 }, weightedAt: now });
    now += 1_000;
    const described = await registry.putAlias('orders', { name: 'prod', version: 'v1', weights: { v2: 10 }, description: 'a' });
    expect(described).toMatchObject({ auto: { promoteAfter: 500 }, weightedAt: now - 1_000, changedAt: now });
    const moved = await registry.putAlias('orders', { name: 'prod', version: 'v1', weights: { v2: 20 } });
    expect(moved).toMatchObject({ weightedAt: now });
    expect(moved).not.toHaveProperty('auto');
  });

  test('keeps a margin, and stores none that is the default, which version 0.2 refuses', async () => {
    await publish(2);
    expect(await registry.putAlias('orders', { ...canary, auto: { margin: 0.5 } })).toMatchObject({
      auto: { promoteAfter: 500, margin: 0.5 },
    });
    expect((await registry.putAlias('orders', { ...canary, auto: { margin: 1 } })).auto).toEqual({ promoteAfter: 500 });
    for (const margin of [0, 51]) {
      const refused = registry.putAlias('orders', { ...canary, auto: { margin } });
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('auto.margin') });
    }
  });

  test('is decided once: a decision on weights that were changed since is not stored', async () => {
    await publish(2);
    const { weightedAt: since = 0 } = await registry.putAlias('orders', canary);
    now += 1_000;
    await registry.putAlias('orders', { ...canary, weights: { v2: 20 } });
    expect(await registry.decideCanary('orders', 'prod', { ...decision, since })).toBeUndefined();
    expect((await alias())?.weights).toEqual({ v2: 20 });
    const found = await Promise.all([1, 2, 3].map(() => registry.decideCanary('orders', 'prod', { ...decision, since: now })));
    expect(found.filter((one) => one !== undefined)).toHaveLength(1);
    expect(await alias()).toMatchObject({ version: 'v1', weights: {}, decision: { ...decision, since: now, at: now } });
  });

  test('needs exactly one other version with a weight', async () => {
    await publish(3);
    const problem = { code: 'INVALID_INPUT', message: expect.stringContaining('needs one other version with a weight') };
    await expect(registry.putAlias('orders', { ...canary, weights: { v2: 10, v3: 10 } })).rejects.toMatchObject(problem);
    await expect(registry.putAlias('orders', { ...canary, weights: {} })).rejects.toMatchObject(problem);
  });
});
