/** How often passing time is looked at while anything is running: the precision of every limit. */
const TICK_MS = 10;
const SLOW_TICK_MS = 1_000;

/** What the looked-at has to do: something that runs, only waiting for its end of life, or nothing at all. */
export type Activity = 'busy' | 'idle' | 'empty';

/** One timer for all that is limited in time, instead of one or two for every execution. */
export interface Ticker {
  /** Something is running: tick fast until it is no longer. */
  wake(): void;
  stop(): void;
}

export function createTicker(tick: (now: number) => Activity, idleInMs: number): Ticker {
  const slowInMs = Math.min(SLOW_TICK_MS, Math.max(TICK_MS, idleInMs / 2));
  let timer: NodeJS.Timeout | undefined;
  let isFast = false;

  function schedule(inMs: number): void {
    isFast = inMs === TICK_MS;
    timer = setTimeout(() => {
      timer = undefined;
      isFast = false;
      const activity = tick(performance.now());
      if (activity !== 'empty') schedule(activity === 'busy' ? TICK_MS : slowInMs);
    }, inMs);
  }
  return {
    wake() {
      if (isFast) return;
      clearTimeout(timer);
      schedule(TICK_MS);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
