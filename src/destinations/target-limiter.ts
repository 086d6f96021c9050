/** Bounds the concurrent tries of each limit key, so that a slow target delays no other target. */
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
  /** A limit key that was full has half of its waiting capacity again. */
  onCapacity: (limitKey: string) => void;
};

type Waiter = { stream: string; proceed: () => void };
/** `streams` counts the waiters of each stream; `head` is the index of the first waiter in `queue`. */
type TargetLimit = { taken: number; queue: Waiter[]; head: number; streams: Map<string, number>; isFull: boolean };

export function createTargetLimiter({ maxWaiting, onCapacity }: TargetLimiterOptions): TargetLimiter {
  const limits = new Map<string, TargetLimit>();

  function limitOf(limitKey: string): TargetLimit {
    const present = limits.get(limitKey);
    if (present !== undefined) return present;
    const limit = { taken: 0, queue: [], head: 0, streams: new Map(), isFull: false };
    limits.set(limitKey, limit);
    return limit;
  }

  function release(limitKey: string, limit: TargetLimit): void {
    const next = dequeue(limit);
    if (next === undefined) limit.taken--;
    else next.proceed();
    if (limit.isFull && limit.streams.size <= maxWaiting / 2) {
      limit.isFull = false;
      onCapacity(limitKey);
    }
    if (limit.taken === 0) limits.delete(limitKey);
  }

  return {
    tryAcquire(limitKey, slots) {
      const limit = limitOf(limitKey);
      if (limit.taken >= slots) return undefined;
      limit.taken++;
      return () => release(limitKey, limit);
    },
    async acquire(limitKey, { stream, slots }) {
      const limit = limitOf(limitKey);
      if (limit.taken < slots) limit.taken++;
      else if (limit.streams.size >= maxWaiting && !limit.streams.has(stream)) {
        limit.isFull = true;
        return undefined;
      } else await enqueue(limit, stream);
      return () => release(limitKey, limit);
    },
    capacityOf: (limitKey) => maxWaiting - (limits.get(limitKey)?.streams.size ?? 0),
  };
}

function enqueue(limit: TargetLimit, stream: string): Promise<void> {
  limit.streams.set(stream, (limit.streams.get(stream) ?? 0) + 1);
  return new Promise((proceed) => limit.queue.push({ stream, proceed }));
}

function dequeue(limit: TargetLimit): Waiter | undefined {
  const next = limit.queue[limit.head];
  if (next === undefined) return undefined;
  limit.head++;
  if (limit.head === limit.queue.length) {
    limit.queue.length = 0;
    limit.head = 0;
  }
  const left = (limit.streams.get(next.stream) ?? 1) - 1;
  if (left === 0) limit.streams.delete(next.stream);
  else limit.streams.set(next.stream, left);
  return next;
}
