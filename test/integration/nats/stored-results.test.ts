import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createStreamId, idAt } from '#src/core/names/ids.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { createNatsResults } from '#src/nats/streams/results.ts';
import { newStream } from '#test/support/log/opened-log.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

describe('a look-up among the stored results', () => {
  let opened: OpenedNats;
  const name = newStream('stored-results');
  const ids = Array.from({ length: 64 }, (_, index) => idAt(name.stream, index));
  const outcomeAt = Date.now();

  beforeAll(async () => {
    opened = await openNats(inject('natsUrl'));
    for (const [index, id] of ids.entries())
      if (index % 2 === 0) await opened.ports.results.publish(name, id, index === 0 ? 'failed' : 'succeeded', '{}');
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  test('finds each of many at once, and no other', async () => {
    const found = await Promise.all(ids.map((id) => opened.ports.results.isStored(name, id, outcomeAt)));
    expect(found).toEqual(ids.map((_, index) => index % 2 === 0));
  });

  test('finds none of another function, of an unknown function, or before the outcome', async () => {
    const [first] = ids as [RequestId];
    const { isStored } = opened.ports.results;
    const other = { ...name, function: newStream('stored-results-of-none').function };
    expect(await Promise.all([isStored(other, first, outcomeAt), isStored(name, first, Date.now() + 60_000)])).toEqual([false, false]);
    expect(await isStored(name, createStreamId(1, new Uint8Array(8)) as string as RequestId, outcomeAt)).toBe(false);
  });

  test('finds none when the results cannot be read, so that a result is published twice rather than never', async () => {
    const closed = await openNats(inject('natsUrl'));
    const { connection, ports } = closed;
    const results = createNatsResults({ connection, publisher: ports.publisher, clock: systemClock });
    await closed[Symbol.asyncDispose]();
    expect(await results.isStored(name, ids[0] as RequestId, outcomeAt)).toBe(false);
  });
});
