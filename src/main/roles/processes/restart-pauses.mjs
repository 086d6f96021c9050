const FIRST_PAUSE_IN_MS = 1_000;
const LONGEST_PAUSE_IN_MS = 30_000;
/** A process that ran this long has recovered. */
const STABLE_AFTER_MS = 60_000;

// Plain JavaScript, because the supervisor of `npm start` runs without a loader.

export function createRestartPauses() {
  let pauseInMs = 0;
  return {
    afterRunOf(ranForMs) {
      pauseInMs = pauseInMs === 0 || ranForMs > STABLE_AFTER_MS ? FIRST_PAUSE_IN_MS : Math.min(pauseInMs * 2, LONGEST_PAUSE_IN_MS);
      return pauseInMs;
    },
  };
}
