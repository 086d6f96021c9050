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
  let isStopped = false;

  function schedule(inMs: number): void {
    isFast = inMs === TICK_MS;
    // By way of `setImmediate`, what has already arrived is read first: after a pause of this process, nothing is late that was not.
    timer = setTimeout(() => setImmediate(run), inMs);
  }
  function run(): void {
    if (isStopped) return;
    const activity = tick(performance.now());
    clearTimeout(timer);
    if (activity !== 'empty') schedule(activity === 'busy' ? TICK_MS : slowInMs);
    else isFast = false;
  }
  return {
    wake() {
      if (isFast || isStopped) return;
      clearTimeout(timer);
      schedule(TICK_MS);
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
