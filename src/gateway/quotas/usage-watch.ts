import { messageOf } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { ProjectQuotas } from '#src/core/quotas/project-quotas.ts';
import type { LogUsage } from './log-usage.ts';

export type UsageWatchOptions = {
  quotas: ProjectQuotas;
  clock: Clock;
  logger: Logger;
  /** Counts the log. */
  usage: (asked: { bytes: boolean }) => Promise<LogUsage>;
  signal: AbortSignal;
};

const COUNT_EVERY_MS = 200;

/** Reports what the log holds, as long as a project has a quota that is counted from the log. */
export function watchUsage({ quotas, clock, logger, usage, signal }: UsageWatchOptions, onCount: (counted: LogUsage) => void): void {
  let isCounting = false;
  let problem = '';
  quotas.onChange(start);
  start();

  function start(): void {
    if (isCounting || !isNeeded(quotas)) return;
    isCounting = true;
    void count().finally(() => {
      isCounting = false;
    });
  }

  async function count(): Promise<void> {
    while (!signal.aborted && isNeeded(quotas)) {
      await countOnce();
      await clock.sleep(COUNT_EVERY_MS, signal);
    }
  }

  /** Never rejects: while the log cannot be counted, the requests of this gateway add up. */
  async function countOnce(): Promise<void> {
    try {
      onCount(await usage({ bytes: quotas.all.some(({ quota }) => quota.storedBytes !== undefined) }));
      problem = '';
    } catch (error) {
      const text = messageOf(error);
      if (text !== problem && !signal.aborted) logger.warn({ error: text }, 'the log cannot be counted for the quotas of projects');
      problem = text;
    }
  }
}

function isNeeded({ all }: ProjectQuotas): boolean {
  return all.some(({ quota }) => quota.open !== undefined || quota.storedBytes !== undefined);
}
