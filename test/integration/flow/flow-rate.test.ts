import { describe, expect } from 'vitest';
import type { FactOf } from '#machines/facts.ts';
import { connectClient } from '#src/client/client.ts';
import { decodeLedgerEntry } from '#src/core/flow/ledger-entry.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { poolOf } from '#src/core/functions/flow.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { test } from '#test/support/fixtures.ts';
import { type RunningSystem, startSystem } from '#test/support/nats/running-system.ts';

const PATIENT = { timeout: 60_000, interval: 50 };
const handlers = new Map([['rated', async () => {}]]);

async function put({ registry }: RunningSystem, flow: FunctionDefinitionInput['flow']): Promise<void> {
  await registry.put({ name: 'rated', handler: { kind: 'inline' }, flow, policy: { maxRetries: 1 } });
}

async function invoke(system: RunningSystem, events: readonly object[], prefix = 'rated'): Promise<string[]> {
  const ids = events.map((_, index) => `${prefix}-${index}`);
  await Promise.all(ids.map((id, index) => system.publish('rated', JSON.stringify(events[index]), { 'Request-Id': id })));
  return ids;
}

async function untilResults(system: RunningSystem, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect((await system.resultFor(id)).subject).toContain('succeeded');
}

/** The facts of a type of these invocations, in the log. */
async function factsOf<Type extends 'running' | 'deferred'>({ ports }: RunningSystem, type: Type, ids: readonly string[]) {
  const read = (id: string) => ports.log.read({ function: 'rated' as FunctionName, stream: id as StreamId }, NO_APPENDS);
  const facts = (await Promise.all(ids.map(read))).flat().flatMap((append) => append.facts);
  return facts.filter((fact): fact is FactOf<Type> => fact.type === type);
}

async function entryOf({ ports }: RunningSystem) {
  return decodeLedgerEntry((await ports.flow.get(poolOf('rated' as FunctionName, {})))?.value);
}

describe('a rate over all workers', () => {
  test('lets no more start in any time than the burst and the rate, and starts all that waits', async ({ server: { url } }) => {
    const [limit, burst] = [20, 5];
    await using first = await startSystem(url, handlers);
    await using _second = await startSystem(url, handlers);
    await put(first, { rate: { limit, per: '1s', burst } });
    const ids = await invoke(first, Array(60).fill({}));
    await untilResults(first, ids);
    const starts = (await factsOf(first, 'running', ids)).map(({ at }) => at).sort((one, other) => one - other);
    expect(starts).toHaveLength(ids.length);
    for (const [index, from] of starts.entries())
      for (const [more, to] of starts.slice(index).entries())
        expect(more + 1).toBeLessThanOrEqual(burst + ((to - from) * limit) / 1_000 + 1e-6);
    // Full buckets leave nothing.
    await expect.poll(() => entryOf(first), PATIENT).toEqual({ holders: [], waiters: [] });
  });

  test('is of each key: a key without a token waits in the log, says until when, and holds up no other key', async ({
    server: { url },
  }) => {
    await using system = await startSystem(url, handlers);
    await put(system, { key: '$.key', rate: { limit: 1, per: '1h' } });
    const busy = await invoke(system, Array(3).fill({ key: 'busy' }), 'busy');
    await expect.poll(async () => (await factsOf(system, 'deferred', busy)).length, PATIENT).toBe(2);
    const others = Array.from({ length: 5 }, (_, index) => ({ key: `other-${index}` }));
    await untilResults(system, await invoke(system, others, 'other'));
    for (const { flow, at } of await factsOf(system, 'deferred', busy)) {
      expect(flow).toMatchObject({ key: 'busy', rate: { limit: 1, perInMs: 3_600_000, burst: 1 } });
      expect((flow.rate?.dueAt ?? 0) - at).toBeGreaterThan(3_000_000);
    }
    expect(await factsOf(system, 'running', busy)).toHaveLength(1);
  });

  test.for([
    ['the rate is raised', { key: '$.key', rate: { limit: 100, per: '1s' } }],
    ['the rate is replaced by a concurrency', { key: '$.key', concurrency: 1 }],
    ['the flow is removed', undefined],
  ] as const)('starts what waits for it soon after %s', async ([, flow], { server: { url } }) => {
    await using system = await startSystem(url, handlers);
    await put(system, { key: '$.key', rate: { limit: 1, per: '1h' } });
    const ids = await invoke(system, Array(4).fill({ key: 'a' }));
    await expect.poll(async () => (await factsOf(system, 'deferred', ids)).length, PATIENT).toBe(3);
    await put(system, flow);
    await untilResults(system, ids);
  });

  test('counts each retry as a start', async ({ server: { url } }) => {
    let calls = 0;
    const failing = new Map([['rated', async () => Promise.reject(new Error(`call ${++calls}`))]]);
    await using system = await startSystem(url, failing);
    await put(system, { key: '$.key', rate: { limit: 1, per: '1h' } });
    const [id = ''] = await invoke(system, [{}]);
    await expect.poll(async () => (await factsOf(system, 'deferred', [id])).length, PATIENT).toBe(1);
    expect(calls).toBe(1);
    await using client = await connectClient({ servers: url });
    await client.cancel(id);
    expect((await system.resultFor(id)).subject).toContain('failed');
  });
});
