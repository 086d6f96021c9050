import { describe, expect } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { decodeLedgerEntry } from '#src/core/flow/ledger-entry.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { test } from '#test/support/fixtures.ts';
import { type RunningSystem, startSystem } from '#test/support/nats/running-system.ts';

type Request = { id: string; priority?: number; key?: string };

/** Notes the events in the order in which they start. The first one runs until it is opened. */
function createGate() {
  const started: string[] = [];
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const handler = async (event: unknown): Promise<void> => {
    const { id } = event as Request;
    started.push(id);
    if (id.endsWith('first')) await gate;
  };
  return { handler, started, open };
}

async function put({ registry }: RunningSystem, flow: FunctionDefinitionInput['flow']): Promise<void> {
  await registry.put({ name: 'urgent', handler: { kind: 'inline' }, flow, policy: { maxAgeInSeconds: 86_400 } });
}

async function invoke(system: RunningSystem, { id, priority, ...event }: Request): Promise<void> {
  const headers = { 'Request-Id': id, ...(priority === undefined ? {} : { Priority: String(priority) }) };
  await system.publish('urgent', JSON.stringify({ id, ...event }), headers);
}

async function factsOf({ ports: { log } }: RunningSystem, id: string): Promise<Fact[]> {
  const appends = await log.read({ function: 'urgent' as FunctionName, stream: id as StreamId }, NO_APPENDS);
  return appends.flatMap(({ facts }) => facts);
}

/** Has requests wait behind the first one, one after another. */
async function queueUp(system: RunningSystem, requests: readonly Request[]): Promise<void> {
  for (const request of requests) await invoke(system, request);
  for (const { id } of requests) {
    const wanted = id.endsWith('first') ? 'running' : 'deferred';
    await expect.poll(async () => (await factsOf(system, id)).map(({ type }) => type), { timeout: 60_000 }).toEqual([wanted]);
  }
}

/** Waits until the entry of the ledger says that a request gets the next slot. */
async function untilNext({ ports: { flow } }: RunningSystem, id: string, pool = 'function.urgent'): Promise<void> {
  const next = async () => decodeLedgerEntry((await flow.get(pool))?.value).waiters.map(({ invocation }) => invocation);
  await expect.poll(next, { timeout: 60_000 }).toEqual([id]);
}

async function untilResults(system: RunningSystem, requests: readonly Request[]): Promise<void> {
  for (const { id } of requests) expect((await system.resultFor(id)).subject).toContain('succeeded');
}

const behindOne = (prefix: string, key?: string): Request[] =>
  [{ id: `${prefix}-first` }, { id: `${prefix}-none` }, { id: `${prefix}-0`, priority: 0 }, { id: `${prefix}-9`, priority: 9 }].map(
    (one) => (key === undefined ? one : { ...one, key }),
  );

describe('requests of a function with the order priority', () => {
  test.for([
    ['without a key', { concurrency: 1, order: 'priority' }],
    ['without a key, with a rate', { concurrency: 1, rate: { limit: 50, per: '1s' }, order: 'priority' }],
    ['of one key', { concurrency: 1, key: '$.key', order: 'priority' }],
    ['of a pool', { concurrency: 1, pool: 'shared', order: 'priority' }],
  ] as const)('start by their urgency when all slots are taken: %s', async ([, flow], { server: { url } }) => {
    const { handler, started, open } = createGate();
    await using system = await startSystem(url, new Map([['urgent', handler]]));
    await put(system, flow);
    const requests = behindOne('one', 'a');
    await queueUp(system, requests.slice(0, 1));
    await queueUp(system, requests.slice(1));
    await untilNext(system, 'one-9', 'pool' in flow ? 'pool.shared' : undefined);
    open();
    await untilResults(system, requests);
    expect(started).toEqual(['one-first', 'one-9', 'one-none', 'one-0']);
    expect((await factsOf(system, 'one-9')).find(({ type }) => type === 'deferred')).toMatchObject({ flow: { priority: 9 } });
  });

  test('start by their urgency when the order is set while they wait', async ({ server: { url } }) => {
    const { handler, started, open } = createGate();
    await using system = await startSystem(url, new Map([['urgent', handler]]));
    await put(system, { concurrency: 1, key: '$.key' });
    const requests: Request[] = [{ id: 'first' }, { id: 'low', priority: 0 }, { id: 'high', priority: 9 }];
    for (const request of requests) await queueUp(system, [request]);
    await untilNext(system, 'low');
    await put(system, { concurrency: 1, key: '$.key', order: 'priority' });
    await untilNext(system, 'high');
    open();
    await untilResults(system, requests);
    expect(started).toEqual(['first', 'high', 'low']);
  });
});
