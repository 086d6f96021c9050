import { expect } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { createFindOpen } from '#src/scheduler/open/find-open.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import { test } from '#test/support/fixtures.ts';
import { accept, newStream } from '#test/support/log/opened-log.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

test('a scheduler answers nothing about a log that was created again until it reads that log (A1)', async ({ server }) => {
  await using nats = await openNats(server.url);
  const { log } = nats.ports;
  const open = new OpenStreams({ patienceInMs: 5_000, maxAgeOf: () => undefined, unknownGraceInMs: 1_000 });
  const readUpTo = async (last: number): Promise<void> => {
    const stop = new AbortController();
    const following = log.follow(1, open.fold, stop.signal);
    await expect.poll(() => open.next, { interval: 10 }).toBe(last + 1);
    stop.abort();
    await following;
  };
  const find = createFindOpen(open, { log, clock: systemClock });
  const streams = [newStream(), newStream(), newStream()];
  for (const stream of streams) await accept(log, stream);
  await readUpTo(3);
  expect(await find(newStream().stream, undefined)).toEqual([]);

  // The new log holds a request, and the scheduler has noticed nothing yet.
  await nats.connection.manager.streams.delete(INVOCATIONS);
  await using other = await openNats(server.url);
  const again = newStream();
  expect(await accept(other.ports.log, again)).toBe(1);
  await expect(find(again.stream, undefined)).rejects.toMatchObject({ code: 'NO_ANSWER', retryable: true });
  await readUpTo(1);
  expect(await find(again.stream, undefined)).toEqual([{ name: again, request: 1 }]);
});
