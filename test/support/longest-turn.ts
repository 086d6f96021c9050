/*
 * What another caller of one thread would wait, in milliseconds of processor time: another process that takes the processor meanwhile does not
 * count. The least of several runs, because a collection of garbage may fall into a turn.
 */

const MAX_RUNS = 10;

/** The longest turn of the event loop during a work. The work runs again while that is above the wanted time, at most ten times in all. */
export async function longestTurn(work: () => Promise<unknown>, wantedInMs: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < MAX_RUNS && least >= wantedInMs; run++) least = Math.min(least, await longestOf(work));
  return least;
}

/** The time of a work that does all at once. */
export function timeAtOnce(work: () => unknown, runs = 3): number {
  return Math.min(
    ...Array.from({ length: runs }, () => {
      const startedAt = usedInMs();
      work();
      return usedInMs() - startedAt;
    }),
  );
}

async function longestOf(work: () => Promise<unknown>): Promise<number> {
  let [longest, isOver] = [0, false];
  let before = usedInMs();
  const end = (): void => {
    isOver = true;
  };
  const working = work();
  working.then(end, end);
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    const now = usedInMs();
    longest = Math.max(longest, now - before);
    before = now;
  }
  await working;
  return longest;
}

function usedInMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
