import { describe, expect, test } from 'vitest';
import { NatsUnavailableError } from '#src/core/errors.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { type ReadableLog, readUpTo } from '#src/core/log/read-up-to.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { append, newStream } from '#test/support/log/opened-log.ts';

type Entry = { sequence: number };

const clock = createVirtualClock(0);

/** Lets the time pass in steps of one second, in which everything that is due happens. */
async function pass(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed++) {
    clock.moveTo(clock.now() + 1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A log of ten messages whose follower delivers only what the test sends. */
function silentLog() {
  let send: (entry: Entry) => void = () => {};
  const log: ReadableLog<Entry> = {
    follow: (_from, onEntry, signal) =>
      new Promise((resolve) => {
        send = onEntry;
        signal.addEventListener('abort', () => resolve(), { once: true });
      }),
    firstFrom: async (sequence) => (sequence <= 10 ? { sequence } : undefined),
  };
  return { log, send: (from: number, to: number) => void Array.from({ length: to - from + 1 }, (_, i) => send({ sequence: from + i })) };
}

function startRead(log: ReadableLog<Entry>, to = 10) {
  const read = { seen: [] as number[], hasEnded: false };
  const reading = readUpTo(log, { from: 1, to, clock }, ({ sequence }) => void read.seen.push(sequence)).finally(() => {
    read.hasEnded = true;
  });
  return { read, reading };
}

describe('a read up to a sequence', () => {
  test('ends with the message at that sequence, and hands over none after it', async () => {
    const { log, send } = silentLog();
    const { read, reading } = startRead(log, 7);
    send(1, 10);
    await reading;
    expect(read.seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('waits for messages that the log holds, however long the follower is silent', async () => {
    const { log, send } = silentLog();
    const { read, reading } = startRead(log);
    send(1, 4);
    await pass(120);
    expect(read).toEqual({ seen: [1, 2, 3, 4], hasEnded: false });
    send(5, 10);
    await reading;
    expect(read.seen).toHaveLength(10);
  });

  test('waits while the log does not answer, and fails with any other error', async () => {
    const { log, send } = silentLog();
    let error: Error = new NatsUnavailableError({ servers: 'nats://n1', why: 'TIMEOUT' });
    const { read, reading } = startRead({ ...log, firstFrom: () => Promise.reject(error) });
    const failed = expect(reading).rejects.toThrow('a segment is damaged');
    send(1, 4);
    await pass(120);
    expect(read.hasEnded).toBe(false);
    error = new Error('a segment is damaged');
    await pass(2);
    await failed;
  });

  test('ends when the last messages of the log were deleted, and with an empty log', async () => {
    const memory = createMemoryLog({ clock });
    const name = newStream();
    await memory.accept(name, [{ payload: '1' }]);
    await memory.append(name, append([], { previous: NO_APPENDS }), {});
    const last = await memory.lastSequence();
    const log = { follow: memory.followFully, firstFrom: memory.firstFrom };
    const whole = startRead(log, last);
    await whole.reading;
    expect(whole.read.seen.at(-1)).toBe(last);
    memory.purge(last + 1);
    const purged = startRead(log, last);
    await pass(3);
    await purged.reading;
    expect(purged.read.seen).toEqual([]);
  });

  test('ends at once when there is nothing to read, and when the signal aborts', async () => {
    const { log, send } = silentLog();
    await startRead(log, 0).reading;
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = readUpTo(log, { from: 1, to: 10, clock, signal: stop.signal }, ({ sequence }) => {
      seen.push(sequence);
      if (sequence === 3) stop.abort();
    });
    send(1, 10);
    await reading;
    expect(seen).toEqual([1, 2, 3]);
  });

  test('fails with the error of its caller, and hands over no further message', async () => {
    const { log, send } = silentLog();
    const seen: number[] = [];
    const reading = readUpTo(log, { from: 1, to: 10, clock }, ({ sequence }) => {
      seen.push(sequence);
      if (sequence === 3) throw new Error('cannot fold message 3');
    });
    const failed = expect(reading).rejects.toThrow('cannot fold message 3');
    expect(() => send(1, 10)).not.toThrow();
    await failed;
    expect(seen).toEqual([1, 2, 3]);
  });
});
