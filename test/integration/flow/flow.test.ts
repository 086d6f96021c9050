import { describe, expect } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { connectClient } from '#src/client/client.ts';
import { deferred } from '#src/core/deferred.ts';
import { decodeLedgerEntry, encodeLedgerEntry } from '#src/core/flow/ledger-entry.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { test } from '#test/support/fixtures.ts';
import { type RunningSystem, startSystem } from '#test/support/nats/running-system.ts';

const PATIENT = { timeout: 60_000, interval: 20 };

/**
 * Counts the executions of a function at each moment, over all workers of this process. Each execution waits until as many as `meeting` ran
 * at one moment.
 */
function createMeter({ meeting = 1 } = {}) {
  const met = deferred<void>();
  const running = new Map<string, number>();
  const most = new Map<string, number>();
  const add = (key: string, by: number): void => {
    running.set(key, (running.get(key) ?? 0) + by);
    most.set(key, Math.max(most.get(key) ?? 0, running.get(key) ?? 0));
  };
  const handler = async (event: unknown): Promise<void> => {
    const { key = 'none', ms = 20 } = event as { key?: string; ms?: number };
    for (const one of ['all', key]) add(one, 1);
    if (running.get('all') === meeting) met.resolve();
    await met.promise;
    await systemClock.sleep(ms);
    for (const one of ['all', key]) add(one, -1);
  };
  return { handler, most };
}

/** Holds executions of events with `isGated` until it is opened. */
function createGate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const behind = (handler: (event: unknown) => Promise<void>) => async (event: unknown) => {
    if ((event as { isGated?: boolean }).isGated) await opened;
    await handler(event);
  };
  return { open, behind };
}

async function put({ registry }: RunningSystem, name: string, flow: FunctionDefinitionInput['flow'], more: object = {}): Promise<void> {
  await registry.put({ name, handler: { kind: 'inline' }, flow, ...more });
}

async function entryOf({ ports }: RunningSystem, pool: PoolId) {
  return decodeLedgerEntry((await ports.flow.get(pool))?.value);
}

const poolOfFunction = (name: string): PoolId => poolOf(name as FunctionName, {});

async function untilResults(system: RunningSystem, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect((await system.resultFor(id)).subject).toContain('succeeded');
}

async function invoke(system: RunningSystem, name: string, events: readonly object[]): Promise<string[]> {
  const ids = events.map((_, index) => `${name}-${index}`);
  await Promise.all(ids.map((id, index) => system.publish(name, JSON.stringify(events[index]), { 'Request-Id': id })));
  return ids;
}

describe('a limit over all workers', () => {
  test('is reached and never exceeded by three workers, each of which could run more', async ({ server: { url } }) => {
    const { handler, most } = createMeter({ meeting: 4 });
    const handlers = new Map([['metered', handler]]);
    await using first = await startSystem(url, handlers);
    await using _second = await startSystem(url, handlers);
    await using _third = await startSystem(url, handlers);
    await put(first, 'metered', { concurrency: 4 });
    await untilResults(first, await invoke(first, 'metered', Array(60).fill({})));
    expect(most.get('all')).toBe(4);
    await expect.poll(() => entryOf(first, poolOfFunction('metered')), PATIENT).toEqual({ holders: [], waiters: [] });
  });

  test('holds for the functions of a pool together, and each function has its own limit', async ({ server: { url } }) => {
    const { handler, most } = createMeter({ meeting: 3 });
    const handlers = new Map([
      ['wide', handler],
      ['narrow', handler],
    ]);
    await using first = await startSystem(url, handlers);
    await using _second = await startSystem(url, handlers);
    await put(first, 'wide', { concurrency: 3, pool: 'erp' });
    await put(first, 'narrow', { concurrency: 1, pool: 'erp' });
    const wide = await invoke(first, 'wide', Array(30).fill({ key: 'wide' }));
    const narrow = await invoke(first, 'narrow', Array(3).fill({ key: 'narrow' }));
    await untilResults(first, [...wide, ...narrow]);
    expect(most.get('all')).toBe(3);
    expect(most.get('narrow')).toBe(1);
  });

  test('is followed when it changes while attempts wait, and no longer holds when it is removed', async ({ server: { url } }) => {
    const { handler, most } = createMeter({ meeting: 2 });
    await using system = await startSystem(url, new Map([['metered', handler]]));
    await put(system, 'metered', { concurrency: 1 });
    const ids = await invoke(system, 'metered', Array(12).fill({}));
    await expect.poll(() => most.get('all'), PATIENT).toBe(1);
    await put(system, 'metered', undefined);
    // The first one still runs.
    await untilResults(system, ids);
    expect(most.get('all')).toBeGreaterThan(1);
  });
});

describe('a request whose key is full', () => {
  const BUSY = 200;
  /** The invocations with a fact as their newest one. */
  async function withNewest(type: Fact['type'], { ports }: RunningSystem, name: string, ids: readonly string[]): Promise<string[]> {
    const newest = await Promise.all(
      ids.map(async (id) => (await ports.log.read({ function: name as FunctionName, stream: id as StreamId }, NO_APPENDS)).at(-1)),
    );
    return ids.filter((_, index) => newest[index]?.facts.at(-1)?.type === type);
  }
  const deferredOf = (system: RunningSystem, name: string, ids: readonly string[]) => withNewest('deferred', system, name, ids);
  const startedOf = (system: RunningSystem, name: string, ids: readonly string[]) => withNewest('running', system, name, ids);

  test('waits in the log, so that other keys of its function go on beside it on one worker', async ({ server: { url } }) => {
    const { handler, most } = createMeter();
    const gate = createGate();
    await using system = await startSystem(url, new Map([['keyed', gate.behind(handler)]]));
    await put(system, 'keyed', { concurrency: 1, key: '$.key' }, { concurrency: 4 });
    const busy = await invoke(system, 'keyed', [{ key: 'busy', isGated: true }, ...Array(BUSY).fill({ key: 'busy', ms: 1 })]);
    const others = Array.from({ length: 20 }, (_, index) => `other-${index}`);
    for (const key of others) await system.publish('keyed', JSON.stringify({ key, ms: 1 }), { 'Request-Id': key });
    await untilResults(system, others);
    await expect.poll(async () => (await deferredOf(system, 'keyed', busy)).length, PATIENT).toBe(BUSY);
    gate.open();
    await untilResults(system, busy);
    expect(most.get('busy')).toBe(1);
    await expect.poll(() => entryOf(system, poolOfFunction('keyed')), PATIENT).toEqual({ holders: [], waiters: [] });
  });

  test.for([
    ['its limit is raised', { concurrency: 3, key: '$.key' }],
    ['its flow is removed', undefined],
    ['its function gets another pool', { concurrency: 3, key: '$.key', pool: 'other' }],
    ['its flow gets another key', { concurrency: 3, key: '$.other' }],
  ] as const)('starts soon after %s', async ([, flow], { server: { url } }) => {
    const { handler } = createMeter();
    const gate = createGate();
    await using system = await startSystem(url, new Map([['keyed', gate.behind(handler)]]));
    await put(system, 'keyed', { concurrency: 1, key: '$.key' });
    const ids = await invoke(system, 'keyed', Array(4).fill({ key: 'a', isGated: true }));
    await expect.poll(async () => (await deferredOf(system, 'keyed', ids)).length, PATIENT).toBe(3);
    await put(system, 'keyed', flow);
    // The first one still runs.
    await expect.poll(async () => (await startedOf(system, 'keyed', ids)).length, PATIENT).toBeGreaterThan(1);
    gate.open();
    await untilResults(system, ids);
  });

  test('can be cancelled, and its result is published', async ({ server: { url } }) => {
    const { handler } = createMeter();
    const gate = createGate();
    await using system = await startSystem(url, new Map([['keyed', gate.behind(handler)]]));
    await using client = await connectClient({ servers: url });
    await put(system, 'keyed', { concurrency: 1, key: '$.key' });
    const ids = await invoke(system, 'keyed', Array(3).fill({ key: 'a', isGated: true }));
    await expect.poll(async () => (await deferredOf(system, 'keyed', ids)).length, PATIENT).toBe(2);
    const [canceled = '', ...others] = [...(await deferredOf(system, 'keyed', ids)), ...(await startedOf(system, 'keyed', ids))];
    await client.cancel(canceled);
    expect((await system.resultFor(canceled)).subject).toContain('failed');
    gate.open();
    await untilResults(system, others);
  });

  test('gets no slot while its function is paused, so that other functions of its pool have them', async ({ server: { url } }) => {
    const { handler } = createMeter();
    const gate = createGate();
    const handlers = new Map([
      ['paused', gate.behind(handler)],
      ['other', handler],
    ]);
    await using system = await startSystem(url, handlers);
    const flow = { concurrency: 1, key: '$.key', pool: 'erp' };
    const pool = poolOf('paused' as FunctionName, flow);
    await put(system, 'paused', flow);
    await put(system, 'other', flow);
    const ids = await invoke(system, 'paused', [{ key: 'a', isGated: true }, ...Array(5).fill({ key: 'a', isGated: true })]);
    await expect.poll(async () => (await deferredOf(system, 'paused', ids)).length, PATIENT).toBe(5);
    await put(system, 'paused', flow, { paused: true });
    await expect.poll(async () => (await entryOf(system, pool)).waiters, PATIENT).toEqual([]);
    gate.open();
    await untilResults(system, await invoke(system, 'other', Array(3).fill({ key: 'a' })));
    expect((await deferredOf(system, 'paused', ids)).length).toBe(5);
    await put(system, 'paused', flow, { paused: false });
    await untilResults(system, ids);
  });
});

describe('a slot of the ledger', () => {
  test('is freed by the scheduler when the process that ended the attempt did not free it', async ({ server: { url } }) => {
    const { handler } = createMeter();
    await using system = await startSystem(url, new Map([['metered', handler]]));
    await put(system, 'metered', { concurrency: 1 });
    const sequence = await system.publish('metered', '{}', { 'Request-Id': 'ended' });
    await untilResults(system, ['ended']);
    const pool = poolOfFunction('metered');
    await expect.poll(() => entryOf(system, pool), PATIENT).toEqual({ holders: [], waiters: [] });
    const leaked = { key: '', function: 'metered', invocation: 'ended', attempt: 1, request: sequence };
    await system.ports.flow.put(pool, encodeLedgerEntry({ holders: [leaked], waiters: [] }));
    await system.publish('metered', '{}', { 'Request-Id': 'next' });
    await untilResults(system, ['next']);
  });

  test('lets the attempt start that it names, whichever worker took it', async ({ server: { url } }) => {
    const { handler } = createMeter();
    await using system = await startSystem(url, new Map([['metered', handler]]));
    await put(system, 'metered', { concurrency: 1 });
    const named = { key: '', function: 'metered', invocation: 'named', attempt: 1, request: (await system.ports.log.lastSequence()) + 1 };
    await system.ports.flow.put(poolOfFunction('metered'), encodeLedgerEntry({ holders: [named], waiters: [] }));
    await system.publish('metered', '{}', { 'Request-Id': 'named' });
    await untilResults(system, ['named']);
  });
});
