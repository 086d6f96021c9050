/*
 * Lists of a scheduler that grow in chunks: one array or map of a million entries would move all of them in one step, while every event waits.
 */

/** A chunk has the values of 4,096 rows. */
const CHUNK_BITS = 12;
const ROWS = 1 << CHUNK_BITS;
const IN_CHUNK = ROWS - 1;

/**
 * One value for each row, or `undefined`.
 *
 * A chunk exists once a value in it is set. A column that few rows use therefore costs nothing, and growing moves nothing: one array or map of
 * a million rows would move all of them in one step, while every event waits.
 */
export class ValueColumn<Value> {
  #chunks: ((Value | undefined)[] | undefined)[] = [];

  get(row: number): Value | undefined {
    return this.#chunks[row >>> CHUNK_BITS]?.[row & IN_CHUNK];
  }

  set(row: number, value: Value | undefined): void {
    let chunk = this.#chunks[row >>> CHUNK_BITS];
    if (chunk === undefined) {
      if (value === undefined) return;
      chunk = new Array<Value | undefined>(ROWS).fill(undefined);
      this.#chunks[row >>> CHUNK_BITS] = chunk;
    }
    chunk[row & IN_CHUNK] = value;
  }

  clear(): void {
    this.#chunks = [];
  }
}

/** The same for numbers, outside of V8's heap (docs/performance.md H19). */
export class NumberColumn {
  #chunks: (Float64Array | undefined)[] = [];

  get(row: number): number | undefined {
    const value = this.#chunks[row >>> CHUNK_BITS]?.[row & IN_CHUNK];
    // NaN stands for `undefined`.
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  set(row: number, value: number | undefined): void {
    let chunk = this.#chunks[row >>> CHUNK_BITS];
    if (chunk === undefined) {
      if (value === undefined) return;
      chunk = new Float64Array(ROWS).fill(Number.NaN);
      this.#chunks[row >>> CHUNK_BITS] = chunk;
    }
    chunk[row & IN_CHUNK] = value ?? Number.NaN;
  }

  clear(): void {
    this.#chunks = [];
  }
}

/** The numbers of an entry: the id and its two keys. */
const WIDTH = 3;
const [ID, FIRST, SECOND] = [0, 1, 2];
/** A chunk has 1,024 entries. */
const ENTRY_BITS = 10;
const IN_ENTRIES = (1 << ENTRY_BITS) - 1;

/**
 * A queue of numbers, each with two keys: the least first key comes first, and of equal ones the least second key.
 *
 * A push and a pop take logarithmic time also when all first keys are equal. A backlog has a million entries, so they are numbers in chunks
 * (docs/performance.md H19): one array of a million numbers would move all of them when it grows, while every event waits.
 */
export class TwoKeyQueue {
  readonly #chunks: number[][] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The number that is popped next, and its keys. */
  get id(): number | undefined {
    return this.#chunks[0]?.[ID];
  }
  get first(): number | undefined {
    return this.#chunks[0]?.[FIRST];
  }
  get second(): number | undefined {
    return this.#chunks[0]?.[SECOND];
  }

  push(id: number, first: number, second: number): void {
    let at = this.#length++;
    if ((at & IN_ENTRIES) === 0) this.#chunks.push([]);
    for (; at > 0; at = parentOf(at)) {
      const parent = parentOf(at);
      if (!isBefore(first, second, this.#chunkOf(parent), startOf(parent))) break;
      this.#move(parent, at);
    }
    this.#set(at, id, first, second);
  }

  pop(): number | undefined {
    const { id } = this;
    if (id === undefined) return undefined;
    const last = --this.#length;
    const chunk = this.#chunkOf(last);
    const [second = 0, first = 0, lastId = 0] = [chunk.pop(), chunk.pop(), chunk.pop()];
    if (chunk.length === 0) this.#chunks.pop();
    if (last > 0) this.#sink(0, lastId, first, second);
    return id;
  }

  /** Gives every number another first key; a number without one leaves the queue. Takes the time of a push of each. */
  rekey(firstOf: (id: number, second: number) => number | undefined): void {
    const before = this.#chunks.splice(0);
    this.#length = 0;
    for (const chunk of before)
      for (let start = 0; start < chunk.length; start += WIDTH) {
        const [id, second] = [chunk[start + ID] as number, chunk[start + SECOND] as number];
        const first = firstOf(id, second);
        if (first !== undefined) this.push(id, first, second);
      }
  }

  /** Puts a number at a place, or below it when a number there comes before. */
  #sink(from: number, id: number, first: number, second: number): void {
    let at = from;
    for (let child = 2 * at + 1; child < this.#length; child = 2 * at + 1) {
      if (child + 1 < this.#length && this.#isBeforeNext(child + 1, child)) child++;
      const [chunk, start] = [this.#chunkOf(child), startOf(child)];
      if (isBefore(first, second, chunk, start)) break;
      this.#move(child, at);
      at = child;
    }
    this.#set(at, id, first, second);
  }

  #isBeforeNext(one: number, other: number): boolean {
    const [chunk, start] = [this.#chunkOf(one), startOf(one)];
    return isBefore(chunk[start + FIRST] as number, chunk[start + SECOND] as number, this.#chunkOf(other), startOf(other));
  }

  #move(from: number, to: number): void {
    const [chunk, start] = [this.#chunkOf(from), startOf(from)];
    this.#set(to, chunk[start + ID] as number, chunk[start + FIRST] as number, chunk[start + SECOND] as number);
  }

  #set(at: number, id: number, first: number, second: number): void {
    const [chunk, start] = [this.#chunkOf(at), startOf(at)];
    chunk[start + ID] = id;
    chunk[start + FIRST] = first;
    chunk[start + SECOND] = second;
  }

  #chunkOf(at: number): number[] {
    return this.#chunks[at >> ENTRY_BITS] as number[];
  }
}

function parentOf(at: number): number {
  return (at - 1) >> 1;
}

function startOf(at: number): number {
  return (at & IN_ENTRIES) * WIDTH;
}

function isBefore(first: number, second: number, chunk: readonly number[], start: number): boolean {
  const byFirst = first - (chunk[start + FIRST] as number);
  return byFirst === 0 ? second < (chunk[start + SECOND] as number) : byFirst < 0;
}

/** Rows with the time at which each is due. A row may be added again. */
export interface DueTimes {
  readonly size: number;
  /** The earliest time; infinite when there is none. */
  readonly next: number;
  add(row: number, at: number): void;
  /** Removes and returns the row that is due first, when it is due at `now`. */
  takeDue(now: number): number | undefined;
}

export function createDueTimes(): DueTimes {
  const queue = new TwoKeyQueue();
  return {
    get size() {
      return queue.length;
    },
    get next() {
      return queue.first ?? Number.POSITIVE_INFINITY;
    },
    // Rows that are due at the same time have no order.
    add: (row, at) => queue.push(row, at, 0),
    takeDue: (now) => ((queue.first ?? Number.POSITIVE_INFINITY) > now ? undefined : queue.pop()),
  };
}
