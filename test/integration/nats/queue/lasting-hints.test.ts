import { describe, expect } from 'vitest';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { createLastingHints } from '#src/nats/streams/queue/lasting-hints.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

// A server of its own, because the test makes its log refuse everything.
let server: TestServer;
let nats: OpenedNats;
const stop = new AbortController();
test.beforeAll(async ({ server: own }) => {
  server = own;
  nats = await openNats(server.url);
});
test.afterAll(async () => {
  stop.abort();
  await nats[Symbol.asyncDispose]();
});

/** The scheduler inspects a stream whose hint it believes to be queued after a minute at the earliest. */
const SOON_IN_MS = 10_000;

async function hintsInLog(): Promise<Record<string, number>> {
  const { state } = await nats.connection.manager.streams.info(INVOCATIONS, { subjects_filter: '>' });
  return state.subjects ?? {};
}

const outages: Record<string, { begin: () => Promise<unknown>; end: () => Promise<unknown> }> = {
  'a log that refuses messages': {
    begin: () => nats.connection.manager.streams.update(INVOCATIONS, { max_msg_size: 1 }),
    end: () => nats.connection.manager.streams.update(INVOCATIONS, { max_msg_size: -1 }),
  },
  'a server that does not answer': {
    begin: async () => server.pause(),
    end: async () => server.resume(),
  },
  'a server that is restarted': {
    begin: () => server.kill(),
    end: () => server.restart(),
  },
};

describe('the hints of a scheduler', () => {
  for (const [index, [outage, { begin, end }]] of Object.entries(outages).entries()) {
    test(`are stored once each soon after ${outage}`, { timeout: 60_000 }, async () => {
      const hints = createLastingHints({ ...nats.ports, signal: stop.signal });
      const fn = `f-${index}` as FunctionName;
      const subjects = { [`wake.${fn}`]: 40, [`deliver.${fn}`]: 40 };
      await begin();
      for (let round = 0; round < 2; round++) {
        for (let count = round; count < 40; count += 2) {
          const name = { function: fn, stream: `${fn}-${count}` as StreamId };
          hints.wake(name, 1, `${name.stream}.1.0`);
          hints.deliver(name, 1, `${name.stream}.1.0`);
        }
        // The second half is hinted at when the outage is known.
        await systemClock.sleep(1_600);
      }
      await end();
      await expect.poll(hintsInLog, { timeout: SOON_IN_MS, interval: 100 }).toMatchObject(subjects);
    });
  }

  test('are not held up by one that the log refuses for a reason of its own', { timeout: 60_000 }, async () => {
    const { streams } = nats.connection.manager;
    const hints = createLastingHints({ ...nats.ports, signal: stop.signal });
    const wake = (fn: string, stream: string): void =>
      hints.wake({ function: fn as FunctionName, stream: stream as StreamId }, 1, `${stream}.1.0`);
    const oneForEach = { max_msgs_per_subject: 1, discard_new_per_subject: true };
    await streams.purge(INVOCATIONS);
    await streams.update(INVOCATIONS, oneForEach);
    wake('full', 'first');
    await expect.poll(hintsInLog, { timeout: SOON_IN_MS }).toEqual({ 'wake.full': 1 });
    // Refused for as long as its subject has a message.
    wake('full', 'second');
    await systemClock.sleep(1_600);
    wake('empty', 'third');
    await expect.poll(hintsInLog, { timeout: SOON_IN_MS }).toMatchObject({ 'wake.empty': 1 });
    await streams.update(INVOCATIONS, { max_msgs_per_subject: -1, discard_new_per_subject: false });
    await expect.poll(hintsInLog, { timeout: SOON_IN_MS }).toMatchObject({ 'wake.full': 2 });
  });
});
