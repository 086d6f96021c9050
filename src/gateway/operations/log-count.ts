import { Registry } from 'prom-client';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { createLogMetrics } from './log-metrics.ts';

/** What the log tells in numbers, as the text format of Prometheus, and the message up to which it was counted. */
export interface LogCount {
  /** Waits a while for what the log holds already. */
  read(): Promise<{ text: string; sequence: number }>;
  close(): Promise<void>;
}

export type LogCountOptions = {
  log: Pick<EventLog, 'followFully' | 'lastSequence'>;
  clock: Clock;
  /** The message from which it is counted. */
  from: number;
};

/** Whoever asks for the first time after weeks gets what happened lately, soon. */
const MOST_MESSAGES_BEHIND = 1_000_000;
const CATCH_UP_WITHIN_MS = 5_000;
const PAUSE_IN_MS = 10;
const TRY_AGAIN_AFTER_MS = 1_000;

/** Counts from when it is made on. */
export function countLog({ log, clock, from }: LogCountOptions): LogCount {
  const registry = new Registry();
  const metrics = createLogMetrics(registry, clock);
  const closing = new AbortController();
  const following = follow();

  /** Never rejects while the log is away: nothing awaits it before somebody asks. */
  async function follow(): Promise<void> {
    for (;;) {
      const last = await log.lastSequence().catch(() => undefined);
      if (last !== undefined) return await log.followFully(Math.max(from, last - MOST_MESSAGES_BEHIND), metrics.fold, closing.signal);
      await clock.sleep(TRY_AGAIN_AFTER_MS, closing.signal);
      if (closing.signal.aborted) return;
    }
  }
  async function catchUp(): Promise<void> {
    const last = await log.lastSequence();
    const until = clock.now() + CATCH_UP_WITHIN_MS;
    while (last >= from && metrics.sequence < last && clock.now() < until) await Promise.race([clock.sleep(PAUSE_IN_MS), following]);
  }

  return {
    async read() {
      await catchUp();
      return { text: await registry.metrics(), sequence: metrics.sequence };
    },
    async close() {
      closing.abort();
      await following;
    },
  };
}
