import { Registry } from 'prom-client';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { createLogMetrics } from './log-metrics.ts';

/** The metrics that are counted from the log, in the text format of Prometheus, and the sequence of the last counted message. */
export interface LogCount {
  /** Waits a bounded time until the present end of the log is counted. */
  read(): Promise<{ text: string; sequence: number }>;
  close(): Promise<void>;
}

export type LogCountOptions = {
  log: Pick<EventLog, 'followFully' | 'lastSequence'>;
  clock: Clock;
  /** The sequence of the first message that is counted. */
  from: number;
};

/** Bounds the catch-up after a long outage: older messages are skipped. */
const MAX_MESSAGES_BEHIND = 1_000_000;
const CATCH_UP_WITHIN_MS = 5_000;
const POLL_EVERY_MS = 10;
const RETRY_AFTER_MS = 1_000;

/** Follows the log and counts it, until `close`. */
export function countLog({ log, clock, from }: LogCountOptions): LogCount {
  const registry = new Registry();
  const metrics = createLogMetrics(registry, clock);
  const closing = new AbortController();
  const following = follow();

  /** Never rejects while the log is unavailable, because nothing awaits this promise before the first `read`. */
  async function follow(): Promise<void> {
    for (;;) {
      const last = await log.lastSequence().catch(() => undefined);
      if (last !== undefined) return await log.followFully(Math.max(from, last - MAX_MESSAGES_BEHIND), metrics.fold, closing.signal);
      await clock.sleep(RETRY_AFTER_MS, closing.signal);
      if (closing.signal.aborted) return;
    }
  }
  async function catchUp(): Promise<void> {
    const last = await log.lastSequence();
    const until = clock.now() + CATCH_UP_WITHIN_MS;
    while (last >= from && metrics.sequence < last && clock.now() < until) await Promise.race([clock.sleep(POLL_EVERY_MS), following]);
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
