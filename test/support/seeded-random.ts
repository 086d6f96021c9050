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

/** How many mutations of a kind CI runs for a commit. */
const IN_TURN = 4;

/** Four of the items, which `turn` chooses: numbers that follow one another come to all of them. All items without a turn. */
export function chosenInTurn<Item>(items: readonly Item[], turn: string | undefined): Item[] {
  if (turn === undefined || items.length <= IN_TURN) return [...items];
  const first = Number(turn) * IN_TURN;
  if (!Number.isSafeInteger(first) || first < 0) throw new Error(`--turn ${turn} is not a number from 0 on`);
  return Array.from({ length: IN_TURN }, (_, index) => items[(first + index) % items.length] as Item);
}
