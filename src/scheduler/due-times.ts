import FlatQueue from 'flatqueue';

/** Keys with the time at which each is due. A key may be added again, with an earlier time. */
export interface DueTimes {
  readonly size: number;
  /** The earliest time of a key; infinite when there is no key. */
  readonly next: number;
  add(key: string, at: number): void;
  /** Removes and returns the earliest key that is due at `now`. */
  takeDue(now: number): string | undefined;
}

const KEPT_KEYS = 1_024;

/** Keys and times are in two arrays, because a backlog has half a million of them (docs/performance.md H19). */
export function createDueTimes(): DueTimes {
  const queue = new FlatQueue<string>();
  return {
    get size() {
      return queue.length;
    },
    get next() {
      return queue.peekValue() ?? Number.POSITIVE_INFINITY;
    },
    add: (key, at) => queue.push(key, at),
    takeDue(now) {
      const first = queue.peekValue();
      if (first === undefined || first > now) return undefined;
      // The arrays keep the keys that were taken until others replace them.
      if (queue.ids.length > 2 * queue.length + KEPT_KEYS) queue.shrink();
      return queue.pop();
    },
  };
}
