import { expect, test } from 'vitest';
import { createBatchSize } from '#src/archive/retention/batch-size.ts';
import type { LogSource, SourceEntry } from '#src/core/log/log-source.ts';
import { systemClock } from '#src/core/ports/clock.ts';

/** A log whose message at a sequence is a request of so many invocations. */
function openBatchSize(requestsAt: (sequence: number) => number) {
  let reads = 0;
  const entryAt = (sequence: number) =>
    ({ sequence, at: 0, content: { kind: 'request', message: { requests: Array(requestsAt(sequence)) } } }) as unknown as SourceEntry;
  const log: Pick<LogSource, 'follow' | 'firstFrom'> = {
    async follow(from, onEntry, signal) {
      reads++;
      for (let sequence = from; !signal.aborted; sequence++) onEntry(entryAt(sequence));
    },
    firstFrom: async (sequence) => ({ sequence, at: 0 }),
  };
  const size = createBatchSize({ log: log as LogSource, clock: systemClock, signal: new AbortController().signal });
  return {
    measure: size.measure,
    /** How many samples were read since the last call. */
    reads(): number {
      const found = reads;
      reads = 0;
      return found;
    },
  };
}

test('the size of batches is exact in a short log, and within a tenth in a long one, batches first or last', async () => {
  for (const isBatch of [(sequence: number) => sequence <= 100_000, (sequence: number) => sequence > 900_000]) {
    const { measure } = openBatchSize((sequence) => (isBatch(sequence) ? 64 : 1));
    const size = (100_000 * 64 + 900_000) / 1_000_000;
    expect(Math.abs((await measure(1, 1_000_000)) / size - 1)).toBeLessThan(0.1);
  }
  const { measure } = openBatchSize((sequence) => (sequence <= 120 ? 64 : 1));
  expect(await measure(1, 20_000)).toBeCloseTo((120 * 64 + 19_880) / 20_000);
});

test('a log that grows is sampled only where it grew, once for each cell', async () => {
  const { measure, reads } = openBatchSize((sequence) => (sequence <= 500_000 ? 4 : 2));
  expect(await measure(1, 1_000_000)).toBeCloseTo(3, 1);
  expect(reads()).toBeLessThanOrEqual(64);
  expect(await measure(1, 1_200_000)).toBeCloseTo(3.4 / 1.2, 1);
  expect(reads()).toBeLessThanOrEqual(7);
  // The archived part is not counted any more.
  expect(await measure(500_001, 1_200_000)).toBeCloseTo(2, 1);
  expect(reads()).toBe(0);
});

test('a log of a steady length takes one sample for each cell by which it moves on, and keeps no others', async () => {
  const { measure, reads } = openBatchSize((sequence) => (sequence <= 3_000_000 ? 1 : 64));
  await measure(1, 4_000_000);
  reads();
  // Ten times the length, in steps of one segment.
  for (let from = 1; from < 40_000_000; from += 20_000) await measure(from, from + 4_000_000);
  expect(reads()).toBeLessThanOrEqual(10 * 64 + 64);
  expect(await measure(40_000_001, 44_000_000)).toBeCloseTo(64, 6);
});
