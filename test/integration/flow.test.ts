import { describe, expect } from 'vitest';
import { decodeLedgerEntry, encodeLedgerEntry } from '#src/core/flow/ledger-entry.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { type PoolId, poolOf } from '#src/core/functions/flow.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { test } from '#test/support/fixtures.ts';
import { type RunningSystem, startSystem } from '#test/support/nats/running-system.ts';

const PATIENT = { timeout: 60_000, interval: 20 };

/** Counts the executions of a function at each moment, over all workers of this process. */
function createMeter() {
  const running = new Map<string, number>();
  const most = new Map<string, number>();
  const add = (key: string, by: number): void => {
    running.set(key, (running.get(key) ?? 0) + by);
    most.set(key, Math.max(most.get(key) ?? 0, running.get(key) ?? 0));
  };
  const handler = async (event: unknown): Promise<void> => {
    const { key = 'none', ms = 20 } = event as { key?: string; ms?: number };
    for (const one of ['all', key]) add(one, 1);
    await systemClock.sleep(ms);
    for (const one of ['all', key]) add(one, -1);
  };
  return { handler, most };
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
    const { handler, most } = createMeter();
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
    const { handler, most } = createMeter();
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
    const { handler, most } = createMeter();
    await using system = await startSystem(url, new Map([['metered', handler]]));
    await put(system, 'metered', { concurrency: 1 });
    const ids = await invoke(system, 'metered', Array(12).fill({ ms: 200 }));
    await expect.poll(() => most.get('all'), PATIENT).toBe(1);
    await put(system, 'metered', undefined);
    await untilResults(system, ids);
    expect(most.get('all')).toBeGreaterThan(1);
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
