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
/** After a difference, so that the alarm ends soon after the repair. */
const COMPARE_AGAIN_AFTER_MS = 15_000;

/** Compares at once and then repeatedly, until the signal aborts. Logs a difference as an error, and its end. */
export function watchReplicas({ compare, clock, logger, signal }: ReplicaWatchOptions): ReplicaWatch {
  let difference: string | undefined;
  void watch();

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      // The next comparison may succeed. Until then, the last difference stands.
      await compare().then(note, (error: unknown) => logger.warn({}, `the replicas of the log cannot be compared: ${messageOf(error)}`));
      await clock.sleep(difference === undefined ? COMPARE_EVERY_MS : COMPARE_AGAIN_AFTER_MS, signal);
    }
  }

  function note(found: string | undefined): void {
    if (found !== undefined && difference === undefined) logger.error({}, `the replicas of the log differ: ${found}`);
    if (found === undefined && difference !== undefined) logger.info({}, 'the replicas of the log are equal again');
    difference = found;
  }

  return {
    get difference() {
      return difference;
    },
  };
}
