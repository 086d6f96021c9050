import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { readPart, upToSequence } from './read-part.ts';

/** The messages of a sample, and the least number of samples. A log of fewer messages is read whole. Each sample costs the server a consumer. */
const SAMPLE = 500;
const MIN_SAMPLES = 32;
/** An estimate is extrapolated until the log is longer by this share. The retention has a tolerance of a tenth. */
const MAX_GROWTH = 0.05;

/** Estimates how many invocations were accepted in a part of the log. The server counts messages and streams, and a batch is one of each. */
export interface AcceptedInvocations {
  /** The sequences are those of the first and of the last message. */
  estimate(from: number, last: number): Promise<number>;
}

/** The sequences of the first and of the last message. */
type Range = { from: number; last: number };

type Options = { log: LogSource; clock: Clock; signal: AbortSignal };

/**
 * Samples the log at even distances, because one time may have batches, and the next time single invocations.
 *
 * The distance doubles while the log grows, so that the estimate of a longer log needs few new samples.
 */
export function createAcceptedInvocations({ log, clock, signal }: Options): AcceptedInvocations {
  // The log never changes, so a sample stays valid.
  let samples = new Map<string, number>();

  async function count({ from, last }: Range): Promise<number> {
    let accepted = 0;
    const streams = {
      settled: 0,
      take(entry: FullLogEntry) {
        if (entry.kind === 'request') accepted += entry.message.requests.length;
      },
    };
    await readPart(log, { from, limit: upToSequence(last), streams, signal, clock, isFoldOnly: true });
    return accepted;
  }

  /** The invocations for each message. */
  async function sample(known: ReadonlyMap<string, number>, range: Range): Promise<number> {
    const key = `${range.from}-${range.last}`;
    const found = samples.get(key) ?? known.get(key) ?? (await count(range)) / (range.last - range.from + 1);
    samples.set(key, found);
    return found;
  }

  async function sampleAll({ from, last }: Range): Promise<number> {
    const known = samples;
    samples = new Map();
    const distance = distanceFor(last - from + 1);
    let accepted = 0;
    for (let start = from, next = start; start <= last; start = next) {
      next = Math.min(last + 1, (Math.floor(start / distance) + 1) * distance);
      const first = await sample(known, { from: start, last: Math.min(start + SAMPLE, next) - 1 });
      // Between two samples the log is taken for the mean of both.
      const end = Math.min(next, last + 1 - SAMPLE);
      const second = next - start <= SAMPLE ? first : await sample(known, { from: end, last: end + SAMPLE - 1 });
      accepted += ((first + second) / 2) * (next - start);
    }
    return accepted;
  }

  let estimated: (Range & { accepted: number }) | undefined;
  return {
    async estimate(from, last) {
      const messages = last - from + 1;
      if (estimated?.from !== from || messages > (1 + MAX_GROWTH) * (estimated.last - from + 1))
        estimated = { from, last, accepted: await sampleAll({ from, last }) };
      return (estimated.accepted * messages) / (estimated.last - from + 1);
    },
  };
}

function distanceFor(messages: number): number {
  let distance = SAMPLE;
  while (distance * 2 * MIN_SAMPLES <= messages) distance *= 2;
  return distance;
}
