import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { readPart, upToSequence } from './read-part.ts';

/** The messages of a sample. A log of at most {@link MAX_CELLS} samples is read whole. */
const SAMPLE = 500;
/** The cells of a part of the log. Each has one sample, at its beginning. */
const MAX_CELLS = 64;
/** A shorter part than so many cells gets smaller cells. */
const MIN_CELLS = 16;

/** The average number of invocations that were accepted together. The server counts streams, and a stream has one invocation or a batch. */
export interface BatchSize {
  /** The batch size of a part of the log, by samples. At least 1. The part begins and ends with the messages at these sequences. */
  measure(from: number, last: number): Promise<number>;
}

/** The requests and the invocations of a sample, for each of its messages. `isCut`: the log ended within it. */
type Sample = { last: number; isCut: boolean; streams: number; invocations: number };

type Options = { log: LogSource; clock: Clock; signal: AbortSignal };

/**
 * Samples the log at even distances, because one time may have batches, and the next time single invocations.
 *
 * The log never changes, so a sample stays valid, and a log of a steady length needs one sample for each cell by which it grows. A cell is twice as
 * long when the log has more than {@link MAX_CELLS}: every second sample is then used on.
 */
export function createBatchSize({ log, clock, signal }: Options): BatchSize {
  /** By the first sequence of the cell. */
  const samples = new Map<number, Sample>();
  let cell = SAMPLE;

  async function read(from: number, last: number): Promise<Pick<Sample, 'streams' | 'invocations'>> {
    const counted = { streams: 0, invocations: 0 };
    const streams = {
      settled: 0,
      take(entry: FullLogEntry) {
        if (entry.kind !== 'request') return;
        counted.streams++;
        counted.invocations += entry.message.requests.length;
      },
    };
    await readPart(log, { from, limit: upToSequence(last), streams, signal, clock, isFoldOnly: true });
    const messages = last - from + 1;
    return { streams: counted.streams / messages, invocations: counted.invocations / messages };
  }

  /** The sample of the cell that begins at a sequence. A sample that the end of the log cuts gives way to the one before, unless the log is short. */
  async function sampleOf(start: number, from: number, last: number): Promise<Sample> {
    const known = samples.get(start);
    if (known !== undefined && (!known.isCut || known.last === last)) return known;
    // The beginning of the first cell may be archived.
    const first = Math.max(start, from);
    const end = Math.min(first + SAMPLE, start + cell) - 1;
    const before = end > last && cell > SAMPLE ? samples.get(start - cell) : undefined;
    if (before !== undefined) return before;
    const cut = Math.min(end, last);
    const sample = { last: cut, isCut: cut < end, ...(await read(first, cut)) };
    samples.set(start, sample);
    return sample;
  }

  function fitCells(from: number, last: number): void {
    const messages = last - from + 1;
    while (messages > MAX_CELLS * cell) cell *= 2;
    while (cell > SAMPLE && messages < MIN_CELLS * cell) cell /= 2;
    const first = firstCellOf(from);
    for (const start of samples.keys()) if (start < first || start % cell !== 0) samples.delete(start);
  }

  const firstCellOf = (from: number): number => Math.floor(from / cell) * cell;

  return {
    async measure(from, last) {
      fitCells(from, last);
      const sum = { streams: 0, invocations: 0 };
      for (let start = firstCellOf(from); start <= last; start += cell) {
        const sample = await sampleOf(start, from, last);
        // Between two samples the log is taken for the mean of both.
        const next = start + cell <= last && cell > SAMPLE ? await sampleOf(start + cell, from, last) : sample;
        const half = (Math.min(start + cell - 1, last) - Math.max(start, from) + 1) / 2;
        sum.streams += half * (sample.streams + next.streams);
        sum.invocations += half * (sample.invocations + next.invocations);
      }
      return sum.streams === 0 ? 1 : sum.invocations / sum.streams;
    },
  };
}
