import { messageOf } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { LogUsage } from '#src/core/quotas/log-figures.ts';
import type { LogCounts } from '../operations/log-counts.ts';

export type UsageWatchOptions = {
  clock: Clock;
  logger: Logger;
  counts: LogCounts;
  /** The limit of the bytes in the log; `undefined` when it has none. */
  logBytes: () => Promise<number | undefined>;
  signal: AbortSignal;
};

/** What is to be counted, and the pause between two counts. */
export type UsageNeed = { bytes: boolean; pauseInMs: number };

/** What the log holds; with `bytes`, also the limit of the log. */
export type CountedLog = LogUsage & { logBytes: number | undefined };

export interface UsageWatch {
  /** For how long no projection has answered, in milliseconds; 0 while nothing is asked. */
  readonly unknownForMs: number;
  /** Counts from now on, if there is a need. */
  start(): void;
}

const LOOK_EVERY_MS = 200;

/** Reports what the log holds, as long as there is a need. */
export function watchUsage(
  { clock, logger, counts, logBytes, signal }: UsageWatchOptions,
  need: () => UsageNeed | undefined,
  onCount: (counted: CountedLog) => void,
): UsageWatch {
  let answeredAt: number | undefined;
  let problem = '';

  async function askRepeatedly(): Promise<void> {
    let askedAt = Number.NEGATIVE_INFINITY;
    for (let wanted = need(); wanted !== undefined && !signal.aborted; wanted = need()) {
      if (clock.now() - askedAt >= wanted.pauseInMs) {
        await askOnce(wanted);
        askedAt = clock.now();
      }
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  /** Never rejects: without an answer the requests of this gateway add up, and are refused after a while (QUO5). */
  async function askOnce({ bytes }: UsageNeed): Promise<void> {
    try {
      const [counted, limit] = await Promise.all([counts.ask('usage', { bytes }), bytes ? logBytes() : undefined]);
      answeredAt = clock.now();
      problem = '';
      onCount({ ...counted, logBytes: limit });
    } catch (error) {
      const text = messageOf(error);
      if (text !== problem && !signal.aborted) logger.warn({ error: text }, 'no projection says what the projects with quotas use');
      problem = text;
    }
  }

  return {
    get unknownForMs() {
      return answeredAt === undefined ? 0 : clock.now() - answeredAt;
    },
    start() {
      if (answeredAt !== undefined || need() === undefined) return;
      answeredAt = clock.now();
      void askRepeatedly().finally(() => {
        answeredAt = undefined;
      });
    },
  };
}
