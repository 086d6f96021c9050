import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/**
 * Adaptive limit on the streams whose appends are in flight (64 to 1,024): halved when the event loop is saturated, doubled when it is not.
 *
 * A stream in flight survives the collections of garbage meanwhile: a busy worker took 142 µs for an invocation with 1,024 in flight, and 118 µs
 * with 64. A log that is slow or far away needs many in flight, and its worker is idle.
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
