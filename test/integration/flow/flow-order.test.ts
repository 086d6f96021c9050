import { describe, expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { test } from '#test/support/fixtures.ts';
import { findPassed } from '#test/support/log/start-order.ts';
import { type RunningSystem, startSystem } from '#test/support/nats/running-system.ts';

const fifo = { concurrency: 1, key: '$.key', order: 'fifo' } as const;
const policy = { maxRetries: 2, backoff: { initialInMs: 300, factor: 1, maxInMs: 300, jitter: 0 } };

/** Notes the numbers of the events in the order in which they start, by key. An event with `fails` fails that often. */
function createNotes() {
  const started = new Map<string, number[]>();
  const handler = async (event: unknown): Promise<void> => {
    const { key, number, fails = 0 } = event as { key: string; number: number; fails?: number };
    const before = started.get(key) ?? [];
    started.set(key, [...before, number]);
    await systemClock.sleep(2);
    if (before.filter((one) => one === number).length < fails) throw new Error('not yet');
  };
  return { handler, started };
}

async function put({ registry }: RunningSystem, name: string, flow: FunctionDefinitionInput['flow'], more: object = {}): Promise<void> {
  await registry.put({ name, handler: { kind: 'inline' }, flow, policy, ...more });
}

async function invoke(
  system: RunningSystem,
  name: string,
  events: readonly { key: string; number: number; fails?: number }[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const event of events) {
    const id = `${name}-${event.key}-${event.number}`;
    await system.publish(name, JSON.stringify(event), { 'Request-Id': id });
    ids.push(id);
  }
  return ids;
}

async function untilResults(system: RunningSystem, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect((await system.resultFor(id)).subject).toContain('succeeded');
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('requests of one key with the order fifo', () => {
  test('start one after another in the order of the log, over two workers and two schedulers', async ({ server: { url } }) => {
    const { handler, started } = createNotes();
    await using system = await startSystem(url, new Map([['turns', handler]]));
    await using _other = await startSystem(url, new Map([['turns', handler]]));
    await put(system, 'turns', fifo);
    const events = numbers(20).flatMap((number) => ['a', 'b', 'c'].map((key) => ({ key, number })));
    await untilResults(system, await invoke(system, 'turns', events));
    expect([...started.values()]).toEqual([numbers(20), numbers(20), numbers(20)]);
    expect(await findPassed(system.ports.log, { onRetry: 'hold' })).toEqual([]);
  });

  test('wait for one that is retried, and other keys do not', async ({ server: { url } }) => {
    const { handler, started } = createNotes();
    await using system = await startSystem(url, new Map([['turns', handler]]));
    await put(system, 'turns', fifo);
    const ids = await invoke(system, 'turns', [
      { key: 'a', number: 0, fails: 2 },
      { key: 'a', number: 1 },
      { key: 'b', number: 0 },
    ]);
    await untilResults(system, ids);
    expect(started.get('a')).toEqual([0, 0, 0, 1]);
    expect(await findPassed(system.ports.log, { onRetry: 'hold' })).toEqual([]);
  });

  test.for([
    ['pass one that is retried when the function says so', 'pass'],
    ['go on when the first one is cancelled while it is retried', 'hold'],
  ] as const)('%s', async ([, onRetry], { server: { url } }) => {
    const { handler, started } = createNotes();
    await using system = await startSystem(url, new Map([['turns', handler]]));
    const slow = { ...policy, backoff: { initialInMs: 3_600_000, factor: 1, maxInMs: 3_600_000, jitter: 0 } };
    await put(system, 'turns', { ...fifo, onRetry }, { policy: slow });
    const [first = '', second = ''] = await invoke(system, 'turns', [
      { key: 'a', number: 0, fails: 1 },
      { key: 'a', number: 1 },
    ]);
    const newest = async () =>
      (await system.ports.log.read({ function: 'turns' as FunctionName, stream: first as StreamId }, NO_APPENDS)).at(-1);
    await expect.poll(async () => (await newest())?.facts.at(-1)?.type, { timeout: 60_000 }).toBe('retrying');
    await using client = await connectClient({ servers: url });
    if (onRetry === 'hold') await client.cancel(first);
    await untilResults(system, [second]);
    expect(started.get('a')).toEqual([0, 1]);
    expect(await findPassed(system.ports.log, { onRetry })).toEqual([]);
  });
});
