/** Bounds how many deliveries go to one place at one moment, so that a slow place delays nobody but itself. */
export interface TargetLimiter {
  /**
   * Enters a place on behalf of a stream; resolves to what leaves it again, or to `undefined` when too many streams wait
   * there already. A stream that waits there may wait with all of its deliveries.
   */
  enter(place: string, options: { stream: string; atOnce: number }): Promise<(() => void) | undefined>;
  /** Enters a place if it is free now, and `undefined` if not. */
  enterAtOnce(place: string, atOnce: number): (() => void) | undefined;
  /** How many more streams may wait there. */
  capacityOf(place: string): number;
}

export type TargetLimiterOptions = {
  /** How many streams may wait for one place. */
  waiting: number;
  /** A crowded place is half empty again. */
  onCapacity: (place: string) => void;
};

type Waiter = { stream: string; proceed: () => void };
type TargetLimit = { taken: number; queue: Waiter[]; head: number; streams: Map<string, number>; isCrowded: boolean };

export function createTargetLimiter({ waiting, onCapacity: onRoom }: TargetLimiterOptions): TargetLimiter {
  const places = new Map<string, TargetLimit>();

  function open(name: string): TargetLimit {
    const known = places.get(name);
    if (known !== undefined) return known;
    const place = { taken: 0, queue: [], head: 0, streams: new Map(), isCrowded: false };
    places.set(name, place);
    return place;
  }

  function wait(limit: TargetLimit, stream: string): Promise<void> {
    limit.streams.set(stream, (limit.streams.get(stream) ?? 0) + 1);
    return new Promise((proceed) => limit.queue.push({ stream, proceed }));
  }

  function takeNext(limit: TargetLimit): Waiter | undefined {
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

  function leave(name: string, limit: TargetLimit): void {
    const next = takeNext(limit);
    if (next === undefined) limit.taken--;
    else next.proceed();
    if (limit.isCrowded && limit.streams.size <= waiting / 2) {
      limit.isCrowded = false;
      onRoom(name);
    }
    if (limit.taken === 0) places.delete(name);
  }

  return {
    enterAtOnce(name, atOnce) {
      const limit = open(name);
      if (limit.taken >= atOnce) return undefined;
      limit.taken++;
      return () => leave(name, limit);
    },
    async enter(name, { stream, atOnce }) {
      const limit = open(name);
      if (limit.taken < atOnce) limit.taken++;
      else if (limit.streams.size >= waiting && !limit.streams.has(stream)) {
        limit.isCrowded = true;
        return undefined;
      } else await wait(limit, stream);
      return () => leave(name, limit);
    },
    capacityOf: (name) => waiting - (places.get(name)?.streams.size ?? 0),
  };
}
