/** Numbers in [0, 1) that a seed repeats (mulberry32). */
export function createSeededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The seed of all choices of a test: `SEQUENT_SEED`, which `.ci/run` takes from the commit. The configuration of vitest sets it for any other
 * run, and the last lines of a run that failed name it.
 */
export function seedOfRun(): number {
  return Number(process.env.SEQUENT_SEED ?? 0);
}
