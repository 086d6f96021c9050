/**
 * Bounds the concurrent tries of each limit key, so that a slow target delays no other target.
 *
 * Many slow targets together do not use up the process either. A limit key may have no more tries in progress than the process has unused
 * places for tries, and no more waiting streams than half of the unused places for waiting streams. However many targets are slow, some
 * places are therefore unused, and a further target finds them (CIRC1). A limit key always has one place of each kind.
 */
export interface TargetLimiter {
  /**
   * Waits for a slot of a limit key, and resolves to the function that releases the slot.
   *
   * Resolves to `undefined` when the limit key is full: too many streams wait for it. A stream that waits already may wait with further
   * deliveries.
   */
  acquire(limitKey: string, options: { stream: string; slots: number }): Promise<Release | undefined>;
  /** Takes a slot that is free now; `undefined` when no slot is free. */
  tryAcquire(limitKey: string, slots: number): Release | undefined;
  /** How many more streams may wait for the limit key. */
  capacityOf(limitKey: string): number;
}

type Release = () => void;

export type TargetLimiterOptions = {
  /** How many streams may wait for one limit key. */
  maxWaiting: number;
  /** The places of all limit keys together, for tries and for waiting streams. */
  places?: { tries: number; waiting: number };
  /** A limit key that was full has half of its waiting capacity again. Returns whether further streams wait for more capacity. */
  onCapacity: (limitKey: string) => boolean;
};

type WaitingTry = { stream: string; proceed: () => void };
/** `streams` counts the waiters of each stream; `head` is the index of the first waiter in `queue`. */
type TargetLimit = { taken: number; slots: number; queue: WaitingTry[]; head: number; streams: Map<string, number>; isFull: boolean };

const UNLIMITED = { tries: Number.POSITIVE_INFINITY, waiting: Number.POSITIVE_INFINITY };

export function createTargetLimiter({ maxWaiting, places = UNLIMITED, onCapacity }: TargetLimiterOptions): TargetLimiter {
  const limits = new Map<string, TargetLimit>();
  const used = { tries: 0, waiting: 0 };

  function limitOf(limitKey: string): TargetLimit {
    const present = limits.get(limitKey);
    if (present !== undefined) return present;
    const limit = { taken: 0, slots: 0, queue: [], head: 0, streams: new Map(), isFull: false };
    limits.set(limitKey, limit);
    return limit;
  }

  function mayTry({ taken, slots }: TargetLimit): boolean {
    return taken < Math.max(1, Math.min(slots, places.tries - used.tries));
  }

  function maxWaitingNow(): number {
    return Math.min(maxWaiting, Math.max(1, Math.floor((places.waiting - used.waiting) / 2)));
  }

  function startTry(limitKey: string, limit: TargetLimit): Release {
    limit.taken++;
    used.tries++;
    return () => release(limitKey, limit);
  }

  function release(limitKey: string, limit: TargetLimit): void {
    limit.taken--;
    used.tries--;
    while (limit.queue.length > 0 && mayTry(limit)) {
      limit.taken++;
      used.tries++;
      dequeue(limit)?.proceed();
    }
    if (limit.isFull && limit.streams.size <= maxWaitingNow() / 2) limit.isFull = onCapacity(limitKey);
    if (limit.taken === 0 && !limit.isFull) limits.delete(limitKey);
  }

  function enqueue(limit: TargetLimit, stream: string): Promise<void> {
    const waiters = limit.streams.get(stream) ?? 0;
    if (waiters === 0) used.waiting++;
    limit.streams.set(stream, waiters + 1);
    return new Promise((proceed) => limit.queue.push({ stream, proceed }));
  }

  function dequeue(limit: TargetLimit): WaitingTry | undefined {
    const next = limit.queue[limit.head];
    if (next === undefined) return undefined;
    limit.head++;
    if (limit.head === limit.queue.length) {
      limit.queue.length = 0;
      limit.head = 0;
    }
    const left = (limit.streams.get(next.stream) ?? 1) - 1;
    if (left > 0) limit.streams.set(next.stream, left);
    else {
      limit.streams.delete(next.stream);
      used.waiting--;
    }
    return next;
  }

  return {
    tryAcquire(limitKey, slots) {
      const limit = limitOf(limitKey);
      limit.slots = slots;
      return mayTry(limit) ? startTry(limitKey, limit) : undefined;
    },
    async acquire(limitKey, { stream, slots }) {
      const limit = limitOf(limitKey);
      limit.slots = slots;
      if (mayTry(limit)) return startTry(limitKey, limit);
      if (limit.streams.size >= maxWaitingNow() && !limit.streams.has(stream)) {
        limit.isFull = true;
        return undefined;
      }
      await enqueue(limit, stream);
      return () => release(limitKey, limit);
    },
    capacityOf: (limitKey) => Math.max(0, maxWaitingNow() - (limits.get(limitKey)?.streams.size ?? 0)),
  };
}
