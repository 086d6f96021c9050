import { messageOf } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';

/** Compares the replicas of the log from time to time. */
export interface ReplicaWatch {
  /** How the replicas differed in the last comparison; `undefined` when they were equal, or were not compared yet. */
  readonly difference: string | undefined;
}

export type ReplicaWatchOptions = {
  /** Resolves to the difference in words, and to `undefined` when there is none. */
  compare: () => Promise<string | undefined>;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
};

/** One comparison opens some thirty consumers for a moment, so it is not made for every scrape. */
const COMPARE_EVERY_MS = 300_000;

/** Compares until the signal aborts. Logs each difference as an error. */
export function watchReplicas({ compare, clock, logger, signal }: ReplicaWatchOptions): ReplicaWatch {
  let difference: string | undefined;
  void watch();

  async function watch(): Promise<void> {
    for (;;) {
      await clock.sleep(COMPARE_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        difference = await compare();
        if (difference !== undefined) logger.error({}, `the replicas of the log differ: ${difference}`);
      } catch (error) {
        // The next comparison may succeed. Until then, the last difference stands.
        logger.warn({}, `the replicas of the log cannot be compared: ${messageOf(error)}`);
      }
    }
  }

  return {
    get difference() {
      return difference;
    },
  };
}
