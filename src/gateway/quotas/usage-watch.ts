import { messageOf } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { LogUsage } from '#src/core/quotas/log-figures.ts';
import type { ProjectQuotas } from '#src/core/quotas/project-quotas.ts';
import type { LogCounts } from '../operations/log-counts.ts';

export type UsageWatchOptions = {
  quotas: ProjectQuotas;
  clock: Clock;
  logger: Logger;
  counts: LogCounts;
  signal: AbortSignal;
};

export interface UsageWatch {
  /** For how long no projection has answered, in milliseconds; 0 while nothing is asked. */
  readonly unknownForMs: number;
}

const ASK_EVERY_MS = 200;

/** Reports what the log holds, as long as a project has a quota that is counted from the log. */
export function watchUsage({ quotas, clock, logger, counts, signal }: UsageWatchOptions, onCount: (counted: LogUsage) => void): UsageWatch {
  let answeredAt: number | undefined;
  let problem = '';
  quotas.onChange(start);
  start();

  function start(): void {
    if (answeredAt !== undefined || !isNeeded(quotas)) return;
    answeredAt = clock.now();
    void askRepeatedly().finally(() => {
      answeredAt = undefined;
    });
  }

  async function askRepeatedly(): Promise<void> {
    while (!signal.aborted && isNeeded(quotas)) {
      await askOnce();
      await clock.sleep(ASK_EVERY_MS, signal);
    }
  }

  /** Never rejects: without an answer the requests of this gateway add up, and are refused after a while (QUO5). */
  async function askOnce(): Promise<void> {
    try {
      const bytes = quotas.all.some(({ quota }) => quota.storedBytes !== undefined);
      const counted = await counts.ask('usage', { bytes });
      answeredAt = clock.now();
      problem = '';
      onCount(counted);
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
  };
}

function isNeeded({ all }: ProjectQuotas): boolean {
  return all.some(({ quota }) => quota.open !== undefined || quota.storedBytes !== undefined);
}
