import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type FullLogEntry, NO_APPENDS, type StreamName, type StreamVersion } from '#src/core/log/event-log.ts';
import type { LogLoss, LogMark } from '#src/core/log/losses/log-loss.ts';
import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import { watchLosses } from '#src/core/log/losses/loss-watch.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { createLogEpoch } from '#src/nats/streams/log/log-epoch.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { CREATED, createEntrySource } from '#test/simulate/world/log-source.ts';

const name = { function: 'orders', stream: 'one' } as unknown as StreamName;

/** A log of appends with ids, and a process that watches it. Every comparison of the process happens in `compare`. */
function watched(
  memory?: { marks: LogMark[]; losses: LogLoss[] },
  archivedUpTo?: () => Promise<number>,
): {
  store: (...ids: string[]) => void;
  send: (id: string) => () => void;
  loseFrom: (sequence: number) => void;
  /** The log still counts the message, and has it no more: it was purged, or cannot be read. */
  leaveOut: (sequence: number) => void;
  compare: () => Promise<LogLoss[]>;
} & Disposable {
  const entries: FullLogEntry[] = [];
  const clock = createVirtualClock(1_000);
  const book = createLossBook(createMemoryKeyValue());
  const epoch = createLogEpoch({ onReconnect: () => () => {} }, clock);
  const stop = new AbortController();
  const file = { read: async () => memory, write: async () => {} };
  const unread = new Set<number>();
  const source = createEntrySource(() => entries);
  const log = {
    ...source,
    fingerprintAt: async (sequence: number) => (unread.has(sequence) ? undefined : await source.fingerprintAt(sequence)),
  };
  watchLosses({
    ...(archivedUpTo === undefined ? {} : { archivedUpTo }),
    log,
    book,
    file,
    clock,
    logger: silentLogger,
    by: 'test',
    acknowledged: [epoch],
    signal: stop.signal,
  });
  const last = (): number => entries.at(-1)?.sequence ?? 0;
  const store = (...ids: string[]): void => {
    for (const id of ids) {
      const sequence = last() + 1;
      const append = { id, previous: NO_APPENDS, request: 1, by: 'p', facts: [], hash: id, version: sequence as StreamVersion };
      entries.push({ kind: 'append', sequence, at: clock.now(), name, append, wakeTimes: {} });
    }
  };
  return {
    store,
    send(id) {
      const sent = epoch.sending(id);
      store(id);
      const sequence = last();
      return () => epoch.observe({ kind: 'stored', sequence }, sent);
    },
    loseFrom: (sequence) => void entries.splice(sequence - 1),
    leaveOut: (sequence) => void unread.add(sequence),
    async compare() {
      for (let turn = 0; turn < 20; turn++) await setImmediate();
      clock.moveTo(clock.now() + 1_000);
      for (let turn = 0; turn < 20; turn++) await setImmediate();
      return await book.list();
    },
    [Symbol.dispose]: () => stop.abort(),
  };
}

test('a loss is found although another message got the lost sequence before the comparison (LOSS2)', async () => {
  using log = watched();
  log.store('a', 'b');
  await log.compare();
  log.send('c')();
  log.loseFrom(3);
  log.store('another', 'further', 'last');
  expect(await log.compare()).toMatchObject([{ keptUpTo: 2, lostUpTo: 3, why: expect.stringContaining('message 3 of the log') }]);
  // The loss is found once.
  log.store('later');
  await log.compare();
  expect(await log.compare()).toHaveLength(1);
});

test('a loss that is acknowledged after a comparison starts at a mark before the lost message (LOSS3)', async () => {
  using log = watched();
  log.store('a');
  await log.compare();
  log.store('b');
  const hearOfThird = log.send('c');
  log.loseFrom(2);
  // The comparison notes message 2, which is another one than the lost message 2.
  log.store('another');
  await log.compare();
  log.store('further');
  hearOfThird();
  expect(await log.compare()).toMatchObject([{ keptUpTo: 1, lostUpTo: 3 }]);
});

test('a log that holds every acknowledged message lost nothing, however many processes append', async () => {
  using log = watched();
  log.send('a')();
  log.store('b');
  const hear = log.send('c');
  await log.compare();
  hear();
  log.store('d');
  await log.compare();
  expect(await log.compare()).toEqual([]);
});

const markOf = (created: string): LogMark => ({ created, sequence: 9, fingerprint: 'f', at: 500 });
const lossOf = (created: string): LogLoss => ({
  ...{ id: created, created, foundAt: 900, foundBy: 'p', why: 'w' },
  ...{ keptUpTo: 5, keptAt: 400, lostUpTo: 9, lostAt: 500 },
});

test.each([
  ['marks and losses', { marks: [markOf('another')], losses: [lossOf('another')] }],
  ['losses alone', { marks: [], losses: [lossOf('another')] }],
])('the losses of another log are dropped with its watermarks: %s', async (_, memory) => {
  using log = watched(memory);
  log.store('a');
  expect(await log.compare()).toEqual([]);
});

test('the losses in the file of this log are recorded again, whenever it was created (LOSS4)', async () => {
  using log = watched({ marks: [], losses: [lossOf('before'), lossOf(CREATED)] });
  expect((await log.compare()).map(({ created }) => created)).toEqual(['before', CREATED]);
});

test('the message of a mark that the log counts, cannot read and never archived is lost (LOSS2)', async () => {
  using log = watched(undefined, async () => 1);
  log.store('a');
  await log.compare();
  log.store('b', 'c');
  await log.compare();
  log.leaveOut(3);
  expect(await log.compare()).toMatchObject([{ keptUpTo: 1, lostUpTo: 3, why: 'message 3 of the log is not the message that it was' }]);
  expect(await log.compare()).toHaveLength(1);
});

test('the message of a mark that was archived and purged is not lost', async () => {
  using log = watched(undefined, async () => 2);
  log.store('a', 'b');
  await log.compare();
  log.leaveOut(2);
  expect(await log.compare()).toEqual([]);
});
