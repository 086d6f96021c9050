import TinyQueue from 'tinyqueue';

/** Keys by the moment at which each is due. A key may be added again, for an earlier moment. */
export interface DueTimes {
  readonly size: number;
  add(key: string, at: number): void;
  /** Removes and returns a key that is due at `now`, the earliest first. */
  takeDue(now: number): string | undefined;
}

export function createDueTimes(): DueTimes {
  const queue = new TinyQueue<{ key: string; at: number }>([], (one, other) => one.at - other.at);
  return {
    get size() {
      return queue.length;
    },
    add: (key, at) => queue.push({ key, at }),
    takeDue(now) {
      const first = queue.peek();
      return first === undefined || first.at > now ? undefined : queue.pop()?.key;
    },
  };
}
