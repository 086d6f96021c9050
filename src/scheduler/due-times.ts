import TinyQueue from 'tinyqueue';

/** Keys with the time at which each is due. A key may be added again, with an earlier time. */
export interface DueTimes {
  readonly size: number;
  add(key: string, at: number): void;
  /** Removes and returns the earliest key that is due at `now`. */
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
