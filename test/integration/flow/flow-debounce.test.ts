import { describe, expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { test } from '#test/support/fixtures.ts';
import { findGroupProblems } from '#test/support/log/debounced-groups.ts';
import { foldWholeLog } from '#test/support/log/folded-log.ts';
import { type RunningSystem, startSystem } from '#test/support/nats/running-system.ts';

type Event = { key: string; number: number };

function createNotes() {
  const ran: unknown[] = [];
  const handler = async (event: unknown): Promise<number> => {
    ran.push(event);
    return ran.length;
  };
  return { ran, handler };
}

async function put({ registry }: RunningSystem, debounce: object, more: object = {}): Promise<void> {
  const flow = { key: '$.key', debounce } as NonNullable<FunctionDefinitionInput['flow']>;
  await registry.put({ name: 'gathers', handler: { kind: 'inline' }, flow, ...more });
}

async function invoke(system: RunningSystem, events: readonly Event[]): Promise<string[]> {
  const ids = events.map(({ key, number }) => `g-${key}-${number}`);
  // All at once, so that no pause is between their times of acceptance. One connection keeps their order.
  await Promise.all(events.map((event, index) => system.publish('gathers', JSON.stringify(event), { 'Request-Id': ids[index] ?? '' })));
  return ids;
}

const numbers = (key: string, count: number): Event[] => Array.from({ length: count }, (_, number) => ({ key, number }));

async function problemsOf({ ports }: RunningSystem): Promise<string[]> {
  const { facts, problems } = await foldWholeLog(ports.log);
  return [...problems, ...findGroupProblems(facts)];
}

describe('debounced requests', () => {
  test('of one key run together in the order of the log, and each has the common result', async ({ server: { url } }) => {
    const { ran, handler } = createNotes();
    await using system = await startSystem(url, new Map([['gathers', handler]]));
    await using _other = await startSystem(url, new Map([['gathers', handler]]));
    await put(system, { wait: '3s', maxWait: '5m', keep: 'all' });
    const [a, b] = [numbers('a', 5), numbers('b', 1)];
    const ids = await invoke(system, [...a, ...b]);
    const results = await Promise.all(ids.map((id) => system.resultFor(id)));
    expect(results.every(({ subject }) => subject.includes('succeeded'))).toBe(true);
    expect(new Set(ran.map((one) => JSON.stringify(one)))).toEqual(new Set([JSON.stringify(a), JSON.stringify(b)]));
    await system.settled();
    expect(await problemsOf(system)).toEqual([]);
  });

  test('of which the last one is kept end superseded, without their destinations', async ({ server: { url } }) => {
    const { ran, handler } = createNotes();
    await using system = await startSystem(url, new Map([['gathers', handler]]));
    await put(system, { wait: '3s', maxWait: '5m', keep: 'last' });
    const ids = await invoke(system, numbers('a', 4));
    const results = await Promise.all(ids.map((id) => system.resultFor(id)));
    expect(results.map(({ subject }) => subject.includes('succeeded'))).toEqual([false, false, false, true]);
    expect(ran).toEqual([{ key: 'a', number: 3 }]);
    await system.settled();
    expect(await problemsOf(system)).toEqual([]);
  });

  test('run alone when the function is debounced no more, and end alone when they are cancelled', async ({ server: { url } }) => {
    const { ran, handler } = createNotes();
    await using system = await startSystem(url, new Map([['gathers', handler]]));
    await put(system, { wait: '1h', keep: 'all' });
    const [canceled = '', kept = ''] = await invoke(system, numbers('a', 2));
    await using client = await connectClient({ servers: url });
    await client.cancel(canceled);
    expect((await system.resultFor(canceled)).subject).toContain('failed');
    await system.registry.put({ name: 'gathers', handler: { kind: 'inline' } });
    expect((await system.resultFor(kept)).subject).toContain('succeeded');
    expect(ran.at(-1)).toEqual({ key: 'a', number: 1 });
    await system.settled();
    expect(await problemsOf(system)).toEqual([]);
  });
});
