import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { readPart, upToSequence } from './read-part.ts';

/** The messages of a sample, and the least number of samples. A log of fewer messages is read whole. Each sample costs the server a consumer. */
const SAMPLE = 500;
const MIN_SAMPLES = 32;
/** A size stays until the log is longer by this share. */
const MAX_GROWTH = 0.05;

/** The average number of invocations that were accepted together. The server counts streams, and a stream has one invocation or a batch. */
export interface BatchSize {
  /** The batch size of a part of the log, by samples. At least 1. The part begins and ends with the messages at these sequences. */
  measure(from: number, last: number): Promise<number>;
}

/** The sequences of the first and of the last message. */
type Range = { from: number; last: number };
/** The requests and the invocations of a part of the log, for each of its messages. */
type Density = { streams: number; invocations: number };

type Options = { log: LogSource; clock: Clock; signal: AbortSignal };

/**
 * Samples the log at even distances, because one time may have batches, and the next time single invocations.
 *
 * The distance doubles while the log grows, so that the size of a longer log needs few new samples.
 */
export function createBatchSize({ log, clock, signal }: Options): BatchSize {
  // The log never changes, so a sample stays valid.
  let samples = new Map<string, Density>();

  async function read({ from, last }: Range): Promise<Density> {
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

  async function sample(known: ReadonlyMap<string, Density>, range: Range): Promise<Density> {
    const key = `${range.from}-${range.last}`;
    const found = samples.get(key) ?? known.get(key) ?? (await read(range));
    samples.set(key, found);
    return found;
  }

  async function sampleAll({ from, last }: Range): Promise<number> {
    const known = samples;
    samples = new Map();
    const distance = distanceFor(last - from + 1);
    const sum = { streams: 0, invocations: 0 };
    for (let start = from, next = start; start <= last; start = next) {
      next = Math.min(last + 1, (Math.floor(start / distance) + 1) * distance);
      const first = await sample(known, { from: start, last: Math.min(start + SAMPLE, next) - 1 });
      // Between two samples the log is taken for the mean of both.
      const end = Math.min(next, last + 1 - SAMPLE);
      const second = next - start <= SAMPLE ? first : await sample(known, { from: end, last: end + SAMPLE - 1 });
      const half = (next - start) / 2;
      sum.streams += half * (first.streams + second.streams);
      sum.invocations += half * (first.invocations + second.invocations);
    }
    return sum.streams === 0 ? 1 : sum.invocations / sum.streams;
  }

  let measured: (Range & { size: number }) | undefined;
  return {
    async measure(from, last) {
      const isGrown = measured?.from !== from || last - from + 1 > (1 + MAX_GROWTH) * (measured.last - from + 1);
      if (measured === undefined || isGrown) measured = { from, last, size: await sampleAll({ from, last }) };
      return measured.size;
    },
  };
}

function distanceFor(messages: number): number {
  let distance = SAMPLE;
  while (distance * 2 * MIN_SAMPLES <= messages) distance *= 2;
  return distance;
}
