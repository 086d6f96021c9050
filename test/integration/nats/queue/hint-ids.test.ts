import { headers } from 'nats';
import { describe, expect } from 'vitest';
import { derivedId, streamOf } from '#src/core/names/ids.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { createLastingHints } from '#src/nats/streams/queue/lasting-hints.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { test as base } from '#test/support/fixtures.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';
import { connectStranger } from '#test/support/nats/reply-attacks.ts';
import { startSystem } from '#test/support/nats/running-system.ts';

const test = base
  .extend('one', async ({ server }, { onCleanup }) => {
    const one = await openNats(server.url);
    onCleanup(() => one[Symbol.asyncDispose]());
    return one;
  })
  .extend('stranger', async ({ server }, { onCleanup }) => {
    const stranger = await connectStranger({ servers: server.url });
    onCleanup(() => stranger.close());
    return stranger;
  })
  .extend('stopping', ({ task: _ }, { onCleanup }) => {
    const stopping = new AbortController();
    onCleanup(() => stopping.abort());
    return stopping;
  });

type Stranger = Awaited<ReturnType<typeof connectStranger>>;

/** Publishes requests with these ids for the deduplication, as a client may that has `invoke.*` alone. */
async function take(stranger: Stranger, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const sent = headers();
    sent.set('Nats-Msg-Id', id);
    stranger.publish('invoke.nothing', '{}', { headers: sent });
  }
  await stranger.request('invoke.nothing', '{}');
}

const VERSIONS = 40;
const INSPECTIONS = 12;

/** The ids of the next hints for a stream: its version is the sequence of its next append, which follows the requests of the stranger. */
async function idsOfNextHints(stranger: Stranger, stream: string): Promise<string[]> {
  const { seq } = (await stranger.request('invoke.nothing', '{}')).json<{ seq: number }>();
  const first = seq + VERSIONS * INSPECTIONS;
  return Array.from({ length: VERSIONS }, (_, v) =>
    Array.from({ length: INSPECTIONS }, (__, n) => `wake.${stream}.${first + v}.${n}`),
  ).flat();
}

async function countOf({ connection }: OpenedNats, subject: string): Promise<number> {
  const { state } = await connection.manager.streams.info(INVOCATIONS, { subjects_filter: subject });
  return state.subjects?.[subject] ?? 0;
}

const name = { function: 'f' as FunctionName, stream: 's' as StreamId };
const hintAt = (hints: Hints): void => {
  hints.wake(name, 1, 's.1.0');
  hints.deliver(name, 1, 's.1.0');
};

describe('the id of a hint', () => {
  test('cannot be taken by a client that may publish requests alone (HINT2)', async ({ one, stranger, stopping }) => {
    const lasting = createLastingHints({ ...one.ports, signal: stopping.signal });
    await take(stranger, ['wake.s.1.0', 'deliver.s.1.0']);
    // The second hints have the ids of the first ones.
    for (const hints of [lasting, one.ports.hints]) {
      hintAt(hints);
      await one.connection.nats.flush();
      await expect.poll(() => Promise.all([countOf(one, 'wake.f'), countOf(one, 'deliver.f')])).toEqual([1, 1]);
    }
  });

  test('is the same in every process with the key, so that equal hints of two schedulers are stored once', async ({ one, server }) => {
    await using other = await openNats(server.url);
    hintAt(one.ports.hints);
    hintAt(other.ports.hints);
    await one.connection.nats.flush();
    await other.connection.nats.flush();
    await expect.poll(() => Promise.all([countOf(one, 'wake.f'), countOf(one, 'deliver.f')])).toEqual([1, 1]);
  });
});

/** The last part of the ids of hints, by their sender. Each follows from numbers that a stranger can guess. */
const senders = {
  'an inspection': '1.0',
  'a grant of a place': '4.held-1',
  'a grant that moved': '4.moved-88',
  'a waiter that left': '0.left-i-1',
  'a group that closed': '4.closed-2',
  'a group with a new member': '4.joined-2',
  'a group of one': '1.alone-1-88',
  'a leader that ended': '4.ended-2',
  'a cancellation': '4.canceled',
};

describe('the ids of hints at grants and groups', () => {
  test.for(Object.entries(senders))('of %s cannot be taken first (HINT2)', async ([, ending], { one, stranger, stopping }) => {
    const lasting = createLastingHints({ ...one.ports, signal: stopping.signal });
    const id = `s.${ending}`;
    const stored = () => Promise.all([countOf(one, 'wake.f'), countOf(one, 'deliver.f')]);
    const [wakes = 0, deliveries = 0] = await stored();
    await take(stranger, [`wake.${id}`, `deliver.${id}`]);
    lasting.wake(name, 1, id);
    lasting.deliver(name, 1, id);
    await expect.poll(stored).toEqual([wakes + 1, deliveries + 1]);
  });
});

describe('the ids of derived requests', () => {
  const fn = 'f' as FunctionName;

  test.for([
    ['the opening of a batch', { id: derivedId('a batch'), opens: { batch: 'b1' } }],
    ['a fire of a schedule', { id: derivedId('a fire'), schedule: { name: 'nightly', at: 1, count: 1 } }],
    ['a redrive', { id: derivedId('a redrive'), redriveOf: 'r1' }],
  ] as const)('of %s cannot be taken first', async ([, given], { one, stranger }) => {
    const stream = streamOf(given.id);
    const sent = headers();
    sent.set('Nats-Msg-Id', `request.f.${stream}`);
    sent.set('Request-Id', given.id);
    const { seq } = (await stranger.request('invoke.f', '{"taken":1}', { headers: sent, timeout: 30_000 })).json<{ seq: number }>();
    const accepted = await one.ports.log.accept({ function: fn, stream }, [{ payload: '{"own":1}', once: true, ...(given as object) }]);
    expect([accepted.isRepeated ?? false, accepted.sequence > seq]).toEqual([false, true]);
    const [stored] = (await one.ports.log.readRequest(accepted.sequence))?.requests ?? [];
    expect([stored?.fact.invocation, stored?.payload === '{"taken":1}']).toEqual([given.id, false]);
  });
});

describe('a client that may publish requests alone', () => {
  test('delays no retry, whatever ids of hints it takes (HINT2)', { timeout: 60_000 }, async ({ server, stranger }) => {
    const patienceInMs = 20_000;
    let failedAt = 0;
    let retriedAt = 0;
    const handler = async (): Promise<string> => {
      if (failedAt > 0) {
        retriedAt = performance.now();
        return 'done';
      }
      await take(stranger, await idsOfNextHints(stranger, 'order-1'));
      failedAt = performance.now();
      throw new Error('not yet');
    };
    await using system = await startSystem(server.url, new Map([['retried', handler]]), patienceInMs);
    const backoff = { initialInMs: 1_000, factor: 1, maxInMs: 1_000, jitter: 0 };
    await system.registry.put({ name: 'retried', handler: { kind: 'inline' }, policy: { maxRetries: 1, backoff } });
    await system.publish('retried', '{}', { 'Request-Id': 'order-1' });
    expect((await system.resultFor('order-1')).envelope).toMatchObject({ request_context: { approximate_invoke_count: 2 } });
    // Without its hint, the retry would wait for the patience of the scheduler, again and again.
    expect(retriedAt - failedAt).toBeLessThan(patienceInMs);
  });
});
