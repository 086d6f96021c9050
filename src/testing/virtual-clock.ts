import type { Clock } from '#src/core/ports/clock.ts';

/** A clock that stands still until somebody moves it. */
export interface VirtualClock extends Clock {
  /** The moment of the earliest timer; infinite when there is none. */
  readonly nextAt: number;
  /** Calls back after `ms`; returns how to call it off. */
  after(ms: number, callback: () => void): () => void;
  /** Moves to a moment, and ends every wait until then in order. Never moves back. */
  moveTo(at: number): void;
  /** The same time for those who look round at intervals: every move wakes them, and nobody moves for their sake. */
  readonly polling: Clock;
  /** From now on nobody waits for anything: every wait ends in its turn. */
  release(): void;
}

type Timer = { at: number; callback: () => void };

export function createVirtualClock(startAt: number): VirtualClock {
  let now = startAt;
  let isReleased = false;
  const timers = new Set<Timer>();
  const pollers = new Set<() => void>();

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
        callOff();
        resolve();
      };
      const callOff = wait(end);
      signal?.addEventListener('abort', end, { once: true });
    });
  }

  function poll(callback: () => void): () => void {
    pollers.add(callback);
    if (isReleased) setImmediate(() => pollers.delete(callback) && callback());
    return () => void pollers.delete(callback);
  }

  return {
    now: () => now,
    after,
    get nextAt() {
      return first()?.at ?? Number.POSITIVE_INFINITY;
    },
    sleep: (ms, signal) => sleep((callback) => after(ms, callback), signal),
    polling: { now: () => now, sleep: (_, signal) => sleep(poll, signal) },
    moveTo(at) {
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
