import { expect, test } from 'vitest';
import { createAcceptedInvocations } from '#src/archive/accepted-invocations.ts';
import type { LogSource, SourceEntry } from '#src/core/log/log-source.ts';
import { systemClock } from '#src/core/ports/clock.ts';

/** A log whose message at a sequence is a request of so many invocations. */
function openEstimate(requestsAt: (sequence: number) => number) {
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
  const accepted = createAcceptedInvocations({ log: log as LogSource, clock: systemClock, signal: new AbortController().signal });
  return {
    estimate: accepted.estimate,
    /** How many samples were read since the last call. */
    reads(): number {
      const found = reads;
      reads = 0;
      return found;
    },
  };
}

test('a short log is counted, and a long one estimated within a tenth, with batches first or last', async () => {
  for (const isBatch of [(sequence: number) => sequence <= 100_000, (sequence: number) => sequence > 900_000]) {
    const { estimate } = openEstimate((sequence) => (isBatch(sequence) ? 64 : 1));
    const accepted = 100_000 * 64 + 900_000;
    expect(Math.abs((await estimate(1, 1_000_000)) / accepted - 1)).toBeLessThan(0.1);
  }
  const { estimate } = openEstimate((sequence) => (sequence <= 120 ? 64 : 1));
  expect(await estimate(1, 20_000)).toBe(120 * 64 + 19_880);
});

test('a log that grows is sampled again only after a twentieth, and only where it grew', async () => {
  const { estimate, reads } = openEstimate(() => 2);
  expect(await estimate(1, 1_000_000)).toBe(2_000_000);
  expect(reads()).toBeLessThanOrEqual(65);
  expect(await estimate(1, 1_040_000)).toBe(2_080_000);
  expect(reads()).toBe(0);
  expect(await estimate(1, 1_200_000)).toBe(2_400_000);
  expect(reads()).toBeLessThanOrEqual(16);
  // The archived part is not counted any more.
  expect(await estimate(500_001, 1_200_000)).toBe(1_400_000);
});
