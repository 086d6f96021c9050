/** Keys by the moment at which each is due: a binary heap in which a key is only ever made earlier. */
export interface DueTimes {
  readonly size: number;
  add(key: string, at: number): void;
  /** Removes and returns a key that is due at `now`, the earliest first. */
  takeDue(now: number): string | undefined;
}

type Entry = { key: string; at: number };

export function createDueTimes(): DueTimes {
  const heap: Entry[] = [];

  function swap(a: number, b: number): void {
    const entry = heap[a] as Entry;
    heap[a] = heap[b] as Entry;
    heap[b] = entry;
  }
  const at = (index: number): number => heap[index]?.at ?? Number.POSITIVE_INFINITY;

  return {
    get size() {
      return heap.length;
    },
    add(key, moment) {
      let index = heap.push({ key, at: moment }) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (at(parent) <= at(index)) break;
        swap(parent, index);
        index = parent;
      }
    },
    takeDue(now) {
      const first = heap[0];
      if (first === undefined || first.at > now) return undefined;
      const last = heap.pop() as Entry;
      if (heap.length === 0) return first.key;
      heap[0] = last;
      for (let index = 0; ; ) {
        const left = 2 * index + 1;
        const smaller = at(left + 1) < at(left) ? left + 1 : left;
        if (at(smaller) >= at(index)) break;
        swap(smaller, index);
        index = smaller;
      }
      return first.key;
    },
  };
}
