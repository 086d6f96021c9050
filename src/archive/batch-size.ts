import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { readPart, upToSequence } from './read-part.ts';

const SAMPLE = 3_000;

/** The average number of invocations that were accepted together, in the oldest part of the log that is not archived. */
export interface BatchSize {
  /** At least 1. */
  measure(from: number, last: number): Promise<number>;
}

export function createBatchSize({ log, clock, signal }: { log: LogSource; clock: Clock; signal: AbortSignal }): BatchSize {
  // The log never changes, so the result for the same sequences stays valid.
  let known: { from: number; to: number; size: number } | undefined;
  return {
    async measure(from, last) {
      const to = Math.min(last, from + SAMPLE);
      if (known?.from === from && known.to === to) return known.size;
      const counted = { streams: 0, invocations: 0 };
      const streams = {
        settled: 0,
        take(entry: FullLogEntry) {
          if (entry.kind !== 'request') return;
          counted.streams++;
          counted.invocations += entry.message.requests.length;
        },
      };
      await readPart(log, { from, limit: upToSequence(to), streams, signal, clock, isFoldOnly: true });
      const size = Math.max(1, counted.invocations / Math.max(1, counted.streams));
      known = { from, to, size };
      return size;
    },
  };
}
