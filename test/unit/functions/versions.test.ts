import { beforeEach, describe, expect, test } from 'vitest';
import { decodeEntry, type FunctionEntry, resolveFunction } from '#src/core/functions/entry.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';

const fn = (timeoutInMs = 1_000, more: object = {}) => ({ name: 'orders', handler: { kind: 'inline' }, timeoutInMs, ...more });
const refused = (reason: string) => ({ code: 'VERSION_REFUSED', reason });
const missing = (qualifier: string) => ({ code: 'FUNCTION_NOT_FOUND', qualifier });

let store: KeyValue;
let registry: FunctionRegistry;
let now = Date.parse('2026-11-24T10:20:30.999Z');
beforeEach(() => {
  store = createMemoryKeyValue();
  registry = createFunctionRegistry(store, { clock: { now: () => now } });
});

/** Publishes `count` versions, each with another timeout: v1, v2, … */
async function publish(count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    await registry.put(fn(number));
    await registry.publish('orders', { version: `v${number}` });
  }
}
const timeoutOf = (entry: FunctionEntry, qualifier: string, id = 'r') => resolveFunction(entry, qualifier, id)?.definition.timeoutInMs;

describe('a version', () => {
  test('is the former latest under a name of the time, and stays unchanged when latest changes', async () => {
    await registry.put(fn(1));
    const published = await registry.publish('orders', { description: 'first' });
    expect(published).toMatchObject({ version: 'v20261124-102030', description: 'first', publishedAt: now });
    const entry = await registry.put(fn(2));
    expect([timeoutOf(entry, 'latest'), timeoutOf(entry, 'v20261124-102030')]).toEqual([2, 1]);
    expect((await registry.find('orders', 'v20261124-102030')).definition.timeoutInMs).toBe(1);
    await expect(registry.find('orders', 'v2')).rejects.toMatchObject(missing('v2'));
    await expect(registry.find('ghost', 'v2')).rejects.toMatchObject({ code: 'FUNCTION_NOT_FOUND', qualifier: undefined });
  });

  test('is refused without a change; a policy, a pause or a description is no change', async () => {
    await registry.put(fn(1));
    await registry.publish('orders', { version: 'v1' });
    await registry.put(fn(1, { description: 'd', paused: true, concurrency: 3, policy: { maxRetries: 2 } }));
    await expect(registry.publish('orders', { version: 'v2' })).rejects.toMatchObject(refused('unchanged'));
    await registry.put(fn(1, { userData: { a: 'b' } }));
    await registry.publish('orders', { version: 'v2' });
  });

  test.for(['latest', '!prod', 'a b', '', '-v', 'x'.repeat(43)])('is never named %j', async (version) => {
    await registry.put(fn(1));
    await expect(registry.publish('orders', { version })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('is one of at most nineteen, in addition to latest', async () => {
    await publish(19);
    await registry.put(fn(99));
    await expect(registry.publish('orders', { version: 'v20' })).rejects.toMatchObject(refused('too-many-versions'));
    await registry.deleteVersion('orders', 'v3');
    await registry.publish('orders', { version: 'v20' });
  });

  test('can get another policy, and nothing else', async () => {
    await publish(1);
    await registry.changePolicy('orders', 'v1', (policy) => ({ ...policy, maxRetries: 3 }));
    const entry = await registry.get('orders');
    expect([entry.definition.policy.maxRetries, entry.versions[0]?.definition.policy.maxRetries]).toEqual([0, 3]);
    await expect(registry.changePolicy('orders', 'v1', (policy) => ({ ...policy, maxRetries: 4 }))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  test('has the pause and the concurrency of its function', async () => {
    await publish(1);
    const entry = await registry.put(fn(2, { paused: true, concurrency: 7 }));
    expect(resolveFunction(entry, 'v1', 'r')?.definition).toMatchObject({ timeoutInMs: 1, paused: true, concurrency: 7 });
  });

  test('is not deleted while an alias refers to it, also by a weight; latest never is', async () => {
    await publish(3);
    await registry.putAlias('orders', { name: 'prod', version: 'v1', weights: { v2: 10 } });
    for (const version of ['v1', 'v2'])
      await expect(registry.deleteVersion('orders', version)).rejects.toMatchObject(refused('version-in-use'));
    await expect(registry.deleteVersion('orders', 'latest')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(registry.deleteVersion('orders', 'v9')).rejects.toMatchObject(missing('v9'));
    await registry.deleteVersion('orders', 'v3');
    await registry.deleteAlias('orders', 'prod');
    await registry.deleteVersion('orders', 'v1');
    expect((await registry.get('orders')).versions.map(({ version }) => version)).toEqual(['v2']);
  });
});

describe('an alias', () => {
  test('refers to a version until it is moved, with its own policy where it has one', async () => {
    await publish(2);
    await registry.putAlias('orders', { name: 'prod', version: 'v1', policy: { maxRetries: 3 } });
    const before = await registry.get('orders');
    expect(resolveFunction(before, '!prod', 'r')).toMatchObject({
      version: 'v1',
      definition: { timeoutInMs: 1, policy: { maxRetries: 3 } },
    });
    expect(resolveFunction(before, 'v1', 'r')?.definition.policy.maxRetries).toBe(0);
    await registry.putAlias('orders', { name: 'prod', version: 'v2' });
    const moved = await registry.get('orders');
    expect(resolveFunction(moved, '!prod', 'r')).toMatchObject({ version: 'v2', definition: { policy: { maxRetries: 3 } } });
    await registry.changePolicy('orders', '!prod', () => undefined);
    expect((await registry.find('orders', '!prod')).definition.policy.maxRetries).toBe(0);
    await registry.putAlias('orders', { name: 'prod', version: 'latest' });
    expect(await registry.find('orders', '!prod')).toMatchObject({ version: 'latest' });
  });

  test('gets a policy of its own that keeps the fields of the policy of its version (FN2)', async () => {
    await publish(1);
    await registry.changePolicy('orders', 'v1', (policy) => ({ ...policy, maxRetries: 2, maxAgeInSeconds: 60 }));
    await registry.putAlias('orders', { name: 'prod', version: 'v1' });
    await registry.changePolicy('orders', '!prod', (policy) => ({ ...policy, maxRetries: 3 }));
    expect((await registry.find('orders', '!prod')).definition.policy).toMatchObject({ maxRetries: 3, maxAgeInSeconds: 60 });
  });

  test('distributes requests by weight, the same request always to the same version', async () => {
    await publish(3);
    await registry.putAlias('orders', { name: 'prod', version: 'v1', weights: { v2: 30, v3: 20 } });
    const entry = await registry.get('orders');
    const chosen = Array.from({ length: 4_000 }, (_, index) => timeoutOf(entry, '!prod', `request-${index}`));
    const share = (timeout: number) => chosen.filter((one) => one === timeout).length / chosen.length;
    expect(share(1)).toBeCloseTo(0.5, 1);
    expect(share(2)).toBeCloseTo(0.3, 1);
    expect(share(3)).toBeCloseTo(0.2, 1);
    const again = decodeEntry((await store.get('orders'))?.value ?? '', 1);
    expect(chosen).toEqual(Array.from({ length: 4_000 }, (_, index) => timeoutOf(again, '!prod', `request-${index}`)));
  });

  test('sends no request to a weight of 0, and every request to a weight of 100', async () => {
    await publish(3);
    await registry.putAlias('orders', { name: 'prod', version: 'v1', weights: { v2: 0, v3: 100 } });
    const entry = await registry.get('orders');
    expect(new Set(Array.from({ length: 500 }, (_, index) => timeoutOf(entry, '!prod', `r${index}`)))).toEqual(new Set([3]));
  });

  test('is refused for a missing or aliased version, beyond ten, and for weights over 100', async () => {
    await publish(12);
    const put = (alias: object) => registry.putAlias('orders', { name: 'prod', version: 'v1', ...alias });
    await put({});
    await expect(put({ name: 'other' })).rejects.toMatchObject(refused('version-aliased'));
    await expect(put({ version: 'v99' })).rejects.toMatchObject(missing('v99'));
    await expect(put({ weights: { v99: 1 } })).rejects.toMatchObject(missing('v99'));
    for (const wrong of [{ name: '1' }, { name: 'a.b' }, { weights: { v1: 5 } }, { weights: { v2: 60, v3: 41 } }, { weights: { v2: -1 } }])
      await expect(put(wrong)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    for (let count = 2; count <= 10; count++) await put({ name: `a${count}`, version: `v${count}` });
    await expect(put({ name: 'a11', version: 'v11' })).rejects.toMatchObject(refused('too-many-aliases'));
    expect((await registry.get('orders')).aliases).toHaveLength(10);
  });
});

describe('an entry', () => {
  test('of an earlier Sequent reads as an entry without versions and aliases', async () => {
    await store.put(
      'orders',
      JSON.stringify({ name: 'orders', handler: { kind: 'process', file: '/srv/code/abc/index.js', export: 'handler' } }),
    );
    expect(await registry.get('orders')).toMatchObject({
      version: 'latest',
      versions: [],
      aliases: [],
      definition: { handler: { file: '/srv/code/abc/index.js' } },
    });
    await registry.publish('orders', { version: 'v1' });
  });

  test('loses nothing under concurrent changes', async () => {
    await publish(2);
    const other = createFunctionRegistry(store);
    await Promise.all([
      registry.putAlias('orders', { name: 'prod', version: 'v1' }),
      other.putAlias('orders', { name: 'test', version: 'v2' }),
      other.changePolicy('orders', 'v1', (policy) => ({ ...policy, maxRetries: 1 })),
      registry.put(fn(50)),
      other.put(fn(60)),
    ]);
    const entry = await registry.get('orders');
    expect(entry.aliases.map(({ name }) => name)).toEqual(['prod', 'test']);
    expect(entry.versions.map((one) => one.definition.policy.maxRetries)).toEqual([1, 0]);
    expect([50, 60]).toContain(entry.definition.timeoutInMs);
  });

  test('is deleted with all its versions and aliases', async () => {
    await publish(1);
    await registry.putAlias('orders', { name: 'prod', version: 'v1' });
    await registry.delete('orders');
    await registry.put(fn(1));
    expect(await registry.get('orders')).toMatchObject({ versions: [], aliases: [] });
    now += 1_000;
  });

  test('hides secrets, keeps a secret whose mask is written back, and refuses other masks', async () => {
    await registry.put(fn(1, { secretUserData: { key: 'hush' } }));
    await registry.publish('orders', { version: 'v1' });
    const shown = await registry.get('orders');
    expect(JSON.stringify([shown, await registry.list(), await registry.find('orders', 'v1')])).not.toContain('hush');
    await registry.put({ ...shown.definition, timeoutInMs: 2 });
    expect(JSON.parse((await store.get('orders'))?.value ?? '')).toMatchObject({ timeoutInMs: 2, secretUserData: { key: 'hush' } });
    await expect(registry.put(fn(1, { secretUserData: { other: '******' } }))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
