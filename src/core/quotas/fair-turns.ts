/** Runs a work when its sharer has its turn. Rejects, and runs nothing, when the signal aborts before the turn. */
export type Turns = <Result>(sharer: string | undefined, work: () => Promise<Result>, signal?: AbortSignal) => Promise<Result>;

/**
 * At most `size` works run at one moment, of which one sharer has at most half. The sharers that wait, such as projects, get the next free place in
 * turn. So the works of one sharer, however many and however slow they are, leave a place to another one (SHARE1). The works that wait are bounded
 * by their callers: requests in flight, or executions.
 */
export function createFairTurns(size: number): Turns {
  const ofSharer = Math.ceil(size / 2);
  const running = new Map<string, number>();
  const waiting = new Map<string, (() => void)[]>();
  let all = 0;

  function count(sharer: string, change: 1 | -1): void {
    const counted = (running.get(sharer) ?? 0) + change;
    if (counted === 0) running.delete(sharer);
    else running.set(sharer, counted);
    all += change;
  }

  /** Starts the work of the sharer that waits for the longest time, and may have another place. */
  function startNext(): void {
    if (all >= size) return;
    const next = [...waiting].find(([sharer]) => (running.get(sharer) ?? 0) < ofSharer);
    if (next === undefined) return;
    const [sharer, [start, ...others]] = next;
    waiting.delete(sharer);
    if (others.length > 0) waiting.set(sharer, others);
    count(sharer, 1);
    start?.();
  }

  function leave(sharer: string, start: () => void): void {
    const others = (waiting.get(sharer) ?? []).filter((other) => other !== start);
    if (others.length > 0) waiting.set(sharer, others);
    else waiting.delete(sharer);
  }

  return async (sharer = '', work, signal) => {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        leave(sharer, start);
        reject(signal?.reason);
      };
      const start = (): void => {
        // A signal may outlive many works.
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      waiting.set(sharer, [...(waiting.get(sharer) ?? []), start]);
      startNext();
    });
    try {
      return await work();
    } finally {
      count(sharer, -1);
      startNext();
    }
  };
}
