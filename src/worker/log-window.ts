import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/**
 * How many streams may wait for the log at one moment.
 *
 * Invariant: no more than keep this process busy. What is in hand survives the collections of garbage that the rest makes, so
 * more would cost a busy process a quarter of its time; but a log that is slow, or far away, needs many in flight.
 */
export interface LogWindow {
  readonly size: number;
}

const LEAST = 64;
const MOST = 1_024;
const EVERY_MS = 50;
/** Busier than this, it gains nothing by more in flight. */
const BUSY = 0.9;

/** `utilization` tells which share of the time the event loop was busy, since an earlier answer of its own. */
export function createLogWindow(utilization: Utilization = performance.eventLoopUtilization, now = () => performance.now()): LogWindow {
  let size = LEAST;
  let since = utilization();
  let lookedAt = now();
  return {
    get size() {
      const at = now();
      if (at - lookedAt < EVERY_MS) return size;
      const current = utilization();
      const share = utilization(current, since).utilization;
      size = share > BUSY ? Math.max(LEAST, size / 2) : Math.min(MOST, size * 2);
      since = current;
      lookedAt = at;
      return size;
    },
  };
}

type Utilization = (current?: EventLoopUtilization, since?: EventLoopUtilization) => EventLoopUtilization;
