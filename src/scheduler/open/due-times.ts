import FlatQueue from 'flatqueue';

/** Rows with the time at which each is due. A row may be added again. */
export interface DueTimes {
  readonly size: number;
  /** The earliest time; infinite when there is none. */
  readonly next: number;
  add(row: number, at: number): void;
  /** Removes and returns the row that is due first, when it is due at `now`. */
  takeDue(now: number): number | undefined;
}

const KEPT_ROWS = 1_024;

/** Slots and times are in two arrays, because a backlog has half a million of them (docs/performance.md H19). */
export function createDueTimes(): DueTimes {
  const queue = new FlatQueue<number>();
  return {
    get size() {
      return queue.length;
    },
    get next() {
      return queue.peekValue() ?? Number.POSITIVE_INFINITY;
    },
    add: (row, at) => queue.push(row, at),
    takeDue(now) {
      const first = queue.peekValue();
      if (first === undefined || first > now) return undefined;
      // The arrays keep the rows that were taken until others replace them.
      if (queue.ids.length > 2 * queue.length + KEPT_ROWS) queue.shrink();
      return queue.pop();
    },
  };
}
