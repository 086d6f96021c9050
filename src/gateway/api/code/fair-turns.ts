/** Runs a work when its sharer has its turn. */
export type Turns = <Result>(sharer: string | undefined, work: () => Promise<Result>) => Promise<Result>;

/**
 * At most `size` works run at one moment. The sharers that wait, such as projects, get the next free place in turn, so that many works of one
 * sharer delay a work of another one by one work at most. The works that wait are bounded by the requests in flight.
 */
export function createFairTurns(size: number): Turns {
  let running = 0;
  const waiting = new Map<string, (() => void)[]>();

  function leave(): void {
    for (const [sharer, [start, ...others]] of waiting) {
      waiting.delete(sharer);
      if (others.length > 0) waiting.set(sharer, others);
      start?.();
      return;
    }
    running -= 1;
  }

  return async (sharer = '', work) => {
    if (running < size) running += 1;
    else await new Promise<void>((start) => waiting.set(sharer, [...(waiting.get(sharer) ?? []), start]));
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
