/** The times in which this process did not run, because it got no processor or executed one long step. */
export interface Stalls extends Disposable {
  /** How long this process stood still between two moments of `performance.now()`, in milliseconds. */
  between(from: number, until: number): number;
}

const BEAT_IN_MS = 50;

/** Notes every beat of a timer that comes late. A process that waits for an answer is awake, and its timer beats. */
export function watchStalls(): Stalls {
  const stalls: { from: number; until: number }[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - last > 2 * BEAT_IN_MS) stalls.push({ from: last + BEAT_IN_MS, until: now });
    last = now;
  }, BEAT_IN_MS);
  return {
    between: (from, until) =>
      stalls.reduce((sum, stall) => sum + Math.max(0, Math.min(until, stall.until) - Math.max(from, stall.from)), 0),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
