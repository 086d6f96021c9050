import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createStreamId, idAt } from '#src/core/names/ids.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { createNatsResults } from '#src/nats/streams/results/results.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { newStream } from '#test/support/log/opened-log.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

type Consumers = Connection['manager']['consumers'];

/** A connection whose consumers are created by `add`. */
function withConsumers(connection: Connection, add: Consumers['add']): Connection {
  const consumers = Object.assign(Object.create(connection.manager.consumers), { add });
  return Object.assign(Object.create(connection), { manager: Object.assign(Object.create(connection.manager), { consumers }) });
}

describe('a look-up among the stored results', () => {
  let opened: OpenedNats;
  const name = newStream('stored-results');
  const ids = Array.from({ length: 64 }, (_, index) => idAt(name.stream, index));
  const at = Date.now();
  const typeOf = (index: number) => (index === 0 ? 'failed' : 'succeeded');

  beforeAll(async () => {
    opened = await openNats(inject('natsUrl'));
    for (const [index, id] of ids.entries()) if (index % 2 === 0) await opened.ports.results.publish(name, id, typeOf(index), '{}');
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  test('finds each of many at once, and no other', async () => {
    const found = await Promise.all(
      ids.map((id, index) => opened.ports.results.isStored(name, id, { type: typeOf(index), at, envelope: '{}' })),
    );
    expect(found).toEqual(ids.map((_, index) => index % 2 === 0));
  });

  test('finds none of another function, of an unknown function, of the other type, or before the outcome', async () => {
    const [first] = ids as [RequestId];
    const { isStored } = opened.ports.results;
    const [type, envelope] = ['failed', '{}'] as const;
    const other = { ...name, function: newStream('stored-results-of-none').function };
    expect(
      await Promise.all([isStored(other, first, { type, at, envelope }), isStored(name, first, { type, at: at + 60_000, envelope })]),
    ).toEqual([false, false]);
    expect(await isStored(name, first, { type: 'succeeded', at, envelope })).toBe(false);
    expect(await isStored(name, createStreamId(1, new Uint8Array(8)) as string as RequestId, { type, at, envelope })).toBe(false);
  });

  test('finds none while only the result of an outcome is stored that a power cut took from the log', async () => {
    const { isStored, publish } = opened.ports.results;
    const [id] = ids as [RequestId];
    const [type, next] = ['failed', '{"of":"the next outcome"}'] as const;
    // The next outcome is so new that a wrong clock could explain an older result.
    const outcome = { type, at: Date.now() + 1_000, envelope: next };
    expect(await isStored(name, id, outcome)).toBe(false);
    await publish(name, id, type, next);
    expect(await Promise.all([isStored(name, id, outcome), isStored(name, id, { type, at, envelope: '{}' })])).toEqual([true, true]);
  });

  test.for(['fails', 'is on a replica that is behind'])('that %s is repeated before a result counts as missing (PUB6)', async (fault) => {
    const { connection, ports } = opened;
    let consumers = 0;
    const faulty = withConsumers(connection, async (stream, config) => {
      const isFirst = ++consumers === 1;
      if (isFirst && fault === 'fails') throw new Error('no leader');
      const info = await connection.manager.consumers.add(stream, config);
      return isFirst ? { ...info, num_pending: 0 } : info;
    });
    const results = createNatsResults({ connection: faulty, publisher: ports.publisher, clock: systemClock });
    expect(await results.isStored(name, ids[0] as RequestId, { type: typeOf(0), at, envelope: '{}' })).toBe(true);
    expect(consumers).toBe(2);
  });

  test.for([
    { look: 'for the result of a young outcome, which its process may be publishing,', failures: 0, mayComeForMs: 60_000 },
    { look: 'that failed, and then found nothing,', failures: 1, mayComeForMs: 0 },
  ])('a look $look is repeated, and finds the result that came meanwhile (PUB6)', async ({ failures, mayComeForMs }) => {
    const { connection, ports } = opened;
    const late = newStream('stored-late');
    const [other, id] = [idAt(late.stream, 0), idAt(late.stream, 1)];
    await ports.results.publish(late, other, 'succeeded', '{}');
    let looks = 0;
    const faulty = withConsumers(connection, async (stream, config) => {
      if (++looks <= failures) throw new Error('no leader');
      if (looks === failures + 2) await ports.results.publish(late, id, 'succeeded', '{}');
      return await connection.manager.consumers.add(stream, config);
    });
    const results = createNatsResults({ connection: faulty, publisher: ports.publisher, clock: systemClock });
    const now = Date.now();
    expect(await results.isStored(late, id, { type: 'succeeded', at: now, envelope: '{}', mayComeUntil: now + mayComeForMs })).toBe(true);
    expect(looks).toBe(failures + 2);
  });

  test('precedes the repetition of a publish without an answer, so that the result is stored once (PUB6)', async () => {
    const { connection, ports } = opened;
    let sent = 0;
    const publisher: typeof ports.publisher = {
      ...ports.publisher,
      publish: async (...message) => {
        const answer = await ports.publisher.publish(...message);
        return ++sent === 1 ? { kind: 'unknown', why: 'the answer was lost' } : answer;
      },
    };
    const results = createNatsResults({ connection, publisher, clock: systemClock });
    const once = newStream('stored-once');
    await results.publish(once, idAt(once.stream, 0), 'succeeded', '{}');
    const { state } = await connection.manager.streams.info('RESULTS', { subjects_filter: `result.${once.function}.>` });
    expect([sent, state.subjects]).toEqual([1, { [`result.${once.function}.succeeded`]: 1 }]);
  });

  test('finds none when the results cannot be read, so that a result is published twice rather than never', async () => {
    const closed = await openNats(inject('natsUrl'));
    const { connection, ports } = closed;
    const results = createNatsResults({ connection, publisher: ports.publisher, clock: systemClock });
    await closed[Symbol.asyncDispose]();
    expect(await results.isStored(name, ids[0] as RequestId, { type: typeOf(0), at, envelope: '{}' })).toBe(false);
  });
});
