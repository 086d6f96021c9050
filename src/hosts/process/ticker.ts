/** The interval of the checks while anything runs. It is the precision of every limit. */
const TICK_MS = 10;
const SLOW_TICK_MS = 1_000;

/** `busy`: executions run or wait. `idle`: processes exist without work. `empty`: no process exists. */
export type Activity = 'busy' | 'idle' | 'empty';

/** One timer for all limits of time, instead of one or two timers for every execution. */
export interface Ticker {
  /** Ticks fast until `tick` reports another activity than `busy`. */
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
    // Pending input is read in this turn, and its lines are accepted at the end of the next turn (`child-process.ts`). So a pause of this process
    // does not make received results late.
    timer = setTimeout(() => setImmediate(() => setImmediate(() => setImmediate(run))), inMs);
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
