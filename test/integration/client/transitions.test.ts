import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect } from 'vitest';
import { connectClient, type DeliveredTransition, type LiveTransition, type SequentClient, type Transitions } from '#src/client/client.ts';
import { transitionsIn } from '#src/core/log/transitions.ts';
import { bundledScript } from '#test/support/cli/processes/bundled-script.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

const LIVES = 400;
let server: TestServer;
let client: SequentClient;
let all: LiveTransition[];

test.beforeAll(async ({ server: own, nats }) => {
  // Not the shared server, because every transition of the log is counted.
  server = own;
  await writeLog(nats.connection, LIVES);
  client = await connectClient({ servers: server.url });
  all = await readAll();
});
test.afterAll(() => client?.close());

async function readAll(): Promise<LiveTransition[]> {
  const found: LiveTransition[] = [];
  const last = await client.lastSequence();
  const stop = new AbortController();
  await client.follow(
    1,
    (entry) => {
      found.push(...transitionsIn(entry));
      if (entry.sequence >= last) stop.abort();
    },
    stop.signal,
  );
  return found;
}

const keyOf = ({ sequence, fact }: LiveTransition): string => `${sequence} ${fact.type} ${fact.invocation}`;

/** Reads `count` transitions, acknowledges each, and closes the subscription. */
async function take(
  transitions: Transitions,
  count: number,
  onEach: (one: DeliveredTransition) => void = ({ ack }) => ack(),
): Promise<string[]> {
  const found: string[] = [];
  if (count === 0) return found;
  for await (const one of transitions) {
    found.push(keyOf(one));
    onEach(one);
    if (found.length === count) break;
  }
  return found;
}

describe('the filter of transitions', () => {
  test.each([
    [{}, () => true],
    [{ function: 'orders' }, (one: LiveTransition) => one.function === 'orders'],
    [
      { function: ['orders', 'mails'], state: 'queued' },
      ({ function: name, fact }: LiveTransition) => /^(?:orders|mails)$/.test(name) && fact.type === 'queued',
    ],
    [
      { function: 'orders', state: ['succeeded', 'notified'] },
      ({ function: name, fact }: LiveTransition) => name === 'orders' && /^(?:succeeded|notified)$/.test(fact.type),
    ],
    [{ state: 'queued' }, ({ fact }: LiveTransition) => fact.type === 'queued'],
    [
      { condition: 'UnhandledInvocationError' },
      ({ fact }: LiveTransition) => fact.type === 'failed' && fact.condition === 'UnhandledInvocationError',
    ],
  ])('%j leaves exactly what it says, in the order of the log', async (filter, matches) => {
    const wanted = all.filter(matches).map(keyOf);
    expect(wanted.length).toBeGreaterThan(0);
    expect(await take(client.transitions({ ...filter, from: 1 }), wanted.length)).toEqual(wanted);
  });

  test('refuses unknown states and invalid cursor names', async () => {
    await expect(client.transitions({ state: 'runing' }).ready).rejects.toThrow('state must be one of queued, deferred, debounce.closed');
    await expect(client.transitions({ durable: 'a.b' }).ready).rejects.toThrow('the name of the cursor must be');
  });
});

describe('the start position of transitions', () => {
  test('is a sequence, a time or now', async ({ nats }) => {
    const middle = all[Math.floor(all.length / 2)] as LiveTransition;
    const behind = all.filter(({ sequence }) => sequence >= middle.sequence).map(keyOf);
    expect(await take(client.transitions({ from: middle.sequence }), behind.length)).toEqual(behind);

    const begin = all[0]?.fact.at ?? 0;
    expect(await client.sequenceAt(new Date(begin - 60_000))).toBe(1);
    expect(await client.sequenceAt(new Date(Date.now() + 60_000))).toBe((await client.lastSequence()) + 1);
    const requests = all.filter(({ fact }) => fact.type === 'queued');
    // The requests may have the same millisecond. The fact of a request has the time at which the server stored the request.
    const later = Math.max(...all.map(({ fact }) => fact.at));
    for (const time of [later, ...requests.map(({ fact }) => fact.at)]) {
      const first = await client.sequenceAt(new Date(time));
      expect(requests.map(({ sequence, fact }) => [sequence, fact.at < time])).toEqual(
        requests.map(({ sequence }) => [sequence, sequence < first]),
      );
    }

    const live = client.transitions({ state: 'queued' });
    await live.ready;
    await nats.ports.log.accept({ function: 'late' as never, stream: 'late-1' as never }, [{ id: 'late-1' as never, payload: '{}' }]);
    expect((await take(live, 1))[0]).toMatch(/ queued late-1$/);
  });
});

describe('a durable subscription', () => {
  test('that is killed continues at its cursor, without a gap', async () => {
    const seen = new Map<string, number>();
    const total = (await readAll()).length;
    for (let round = 0; seen.size < total && round < 8; round++) {
      // Every subscriber but the last is killed.
      const quota = round < 3 ? Math.floor(total / 5) : Number.POSITIVE_INFINITY;
      const child = await startSubscriber('killed');
      const exited = once(child, 'exit');
      let got = 0;
      for await (const line of createInterface(child.stdout as NodeJS.ReadableStream)) {
        seen.set(line, (seen.get(line) ?? 0) + 1);
        if (++got >= quota || seen.size === total) child.kill('SIGKILL');
      }
      await exited;
    }
    expect([...seen.keys()].sort()).toEqual((await readAll()).map(keyOf).sort());
    // Each kill causes a bounded number of redeliveries.
    const again = [...seen.values()].reduce((sum, times) => sum + times - 1, 0);
    expect(again).toBeLessThan(total);
  });

  test('is shared by all subscribers of its name', async () => {
    // More transitions than one subscriber may have in progress.
    const options = { durable: 'shared', from: 1, state: ['running', 'succeeded', 'failed', 'notified'] } as const;
    const wanted = all.filter(({ fact }) => fact.type !== 'queued').map(keyOf);
    const readers = [client.transitions(options), client.transitions(options)];
    const found: string[][] = [[], []];
    const acks: (() => void)[] = [];
    async function onTransition(transition: DeliveredTransition): Promise<void> {
      acks.push(transition.ack);
      // No transition is acknowledged before both readers have one.
      if (found.every(({ length }) => length > 0)) for (const ack of acks.splice(0)) ack();
      if (found.flat().length >= wanted.length) await Promise.all(readers.map((reader) => reader.close()));
    }
    async function read(transitions: Transitions, mine: string[]): Promise<void> {
      for await (const transition of transitions) {
        mine.push(keyOf(transition));
        await onTransition(transition);
      }
    }
    await Promise.all(readers.map((reader, index) => read(reader, found[index] ?? [])));
    expect(found.flat().sort()).toEqual(wanted.sort());
  });

  test('redelivers unacknowledged transitions at once when the reader closes', async () => {
    const options = { durable: 'left', from: 1, state: 'queued', ackWaitInMs: 60_000 } as const;
    const first: string[] = [];
    // Each reader closes while the server is still sending.
    for (let reader = 1; reader <= 10; reader++) first.push(...(await take(client.transitions(options), reader, () => {})));
    const total = (await readAll()).filter(({ fact }) => fact.type === 'queued').length;
    // Long before the time for an acknowledgement has passed.
    const again = await take(client.transitions(options), total);
    expect(new Set(again).size).toBe(total);
    expect(first.every((key) => again.includes(key))).toBe(true);
    expect((await client.cursors.list()).find(({ name }) => name === 'left')).toMatchObject({ isAttended: false });
  });

  test('cannot follow something else under its name; its cursor is listed and removed', async () => {
    await take(client.transitions({ durable: 'fixed', from: 1, state: 'queued' }), 1);
    await expect(client.transitions({ durable: 'fixed', state: 'failed' }).ready).rejects.toMatchObject({ code: 'WRONG_STATE' });
    const listed = (await client.cursors.list()).find(({ name }) => name === 'fixed');
    expect(listed).toMatchObject({ acknowledged: expect.any(Number), waiting: expect.any(Number) });
    expect(await client.cursors.remove('fixed')).toBe(true);
    expect(await client.cursors.remove('fixed')).toBe(false);
  });
});

async function startSubscriber(durable: string): Promise<ChildProcess> {
  const entry = new URL('../../support/payloads/subscriber.ts', import.meta.url).pathname;
  return spawn(process.execPath, [...(await bundledScript(entry)), server.url, durable], { stdio: ['ignore', 'pipe', 'inherit'] });
}
