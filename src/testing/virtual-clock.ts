import type { Clock, Timers } from '#src/core/ports/clock.ts';

/** A clock whose time changes only by `moveTo`. */
export interface VirtualClock extends Clock, Timers {
  /** The moment of the earliest timer; infinite when there is none. */
  readonly nextAt: number;
  /** Calls back at the first move that reaches the next period, before the other timers. Does not count for `nextAt`. */
  every(ms: number, callback: () => void): () => void;
  /** Moves to a moment, and ends in order every sleep that is due by then. Never moves back. */
  moveTo(at: number): void;
  /** The same time for a loop that polls: each move ends its sleeps, and they do not count for `nextAt`. */
  readonly polling: Clock;
  /** Ends every present sleep, and from now on each new one, without a move. */
  release(): void;
}

type Timer = { at: number; callback: () => void };

export function createVirtualClock(startAt: number): VirtualClock {
  let now = startAt;
  let isReleased = false;
  const timers = new Set<Timer>();
  const pollers = new Set<() => void>();
  const intervals = new Set<Timer & { everyMs: number }>();

  function first(): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of timers) if (earliest === undefined || timer.at < earliest.at) earliest = timer;
    return earliest;
  }

  function after(ms: number, callback: () => void): () => void {
    const timer: Timer = { at: now + ms, callback };
    timers.add(timer);
    if (isReleased) setImmediate(() => timers.delete(timer) && callback());
    return () => void timers.delete(timer);
  }

  function sleep(wait: (callback: () => void) => () => void, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = (): void => {
        signal?.removeEventListener('abort', end);
        cancel();
        resolve();
      };
      const cancel = wait(end);
      signal?.addEventListener('abort', end, { once: true });
    });
  }

  function poll(callback: () => void): () => void {
    pollers.add(callback);
    if (isReleased) setImmediate(() => pollers.delete(callback) && callback());
    return () => void pollers.delete(callback);
  }

  function endPeriods(at: number): void {
    for (const interval of intervals) {
      if (interval.at > at) continue;
      interval.at = at + interval.everyMs;
      interval.callback();
    }
  }

  return {
    now: () => now,
    after,
    every(ms, callback) {
      const interval = { at: now + ms, everyMs: ms, callback };
      intervals.add(interval);
      return () => void intervals.delete(interval);
    },
    get nextAt() {
      return first()?.at ?? Number.POSITIVE_INFINITY;
    },
    sleep: (ms, signal) => sleep((callback) => after(ms, callback), signal),
    polling: { now: () => now, sleep: (_, signal) => sleep(poll, signal) },
    moveTo(at) {
      endPeriods(at);
      for (let timer = first(); timer !== undefined && timer.at <= at; timer = first()) {
        timers.delete(timer);
        now = Math.max(now, timer.at);
        timer.callback();
      }
      now = Math.max(now, at);
      for (const callback of [...pollers]) if (pollers.delete(callback)) callback();
    },
    release() {
      isReleased = true;
      for (const timer of [...timers]) setImmediate(() => timers.delete(timer) && timer.callback());
      for (const callback of [...pollers]) setImmediate(() => pollers.delete(callback) && callback());
    },
  };
}
