import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/**
 * Adaptive limit on the streams whose appends are in flight: halved when the event loop is saturated, doubled when it is not
 * (docs/performance.md V7).
 */
export interface LogWindow {
  readonly size: number;
}

const MIN_SIZE = 64;
const MAX_SIZE = 1_024;
const INTERVAL_IN_MS = 50;
/** The share of busy time above which the event loop is saturated. */
const SATURATED = 0.9;

type Utilization = (current?: EventLoopUtilization, since?: EventLoopUtilization) => EventLoopUtilization;

/** `utilization` returns the share of time in which the event loop was busy, as `performance.eventLoopUtilization` does. */
export function createLogWindow(utilization: Utilization = performance.eventLoopUtilization, now = () => performance.now()): LogWindow {
  let size = MIN_SIZE;
  let since = utilization();
  let measuredAt = now();
  return {
    get size() {
      const at = now();
      if (at - measuredAt < INTERVAL_IN_MS) return size;
      const current = utilization();
      const share = utilization(current, since).utilization;
      size = share > SATURATED ? Math.max(MIN_SIZE, size / 2) : Math.min(MAX_SIZE, size * 2);
      since = current;
      measuredAt = at;
      return size;
    },
  };
}
