import type { StreamName } from '#src/core/log/event-log.ts';
import { hashOfPacked, hashOfText, mix, PACKED_LENGTH, packId, unpackId } from '#src/core/names/ids.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { ValueColumn } from './chunked-lists.ts';

/** Stands for "no row". */
export const NO_ROW = -1;

/** The numbers of a record: four of the id, its function, and the rows before and after it. A free record has the next free one. */
const WIDTH = 8;
const FUNCTION = PACKED_LENGTH;
const PREVIOUS = 5;
const NEXT = 6;
/** A chunk has 4,096 records. */
const CHUNK_BITS = 12;
const IN_CHUNK = (1 << CHUNK_BITS) - 1;

/** The index has so many parts, and a name belongs to the part that the upper bits of its hash name. */
const PART_BITS = 8;
const SMALLEST_PART = 8;
/** An empty table that had more rows than this, or more functions, starts anew. */
const KEPT_ROWS = 4 << CHUNK_BITS;
const KEPT_FUNCTIONS = 1_024;

/** One hash table of the index: the row at each position. */
type Part = { rows: Int32Array; size: number };

function emptyIndex(): readonly Part[] {
  return Array.from({ length: 1 << PART_BITS }, () => ({ rows: new Int32Array(SMALLEST_PART).fill(NO_ROW), size: 0 }));
}

/**
 * A map from the name of a stream to a row, in arrays of integers (docs/performance.md H19).
 *
 * 1. A row is a small number. A name keeps its row until it is removed; afterwards another name may get the row.
 * 2. The index consists of hash tables with linear probing: from the position of its hash on, no empty position comes before a name. Each is
 *    at most half full. Removing a name moves later names back, so no marks of removed names remain.
 * 3. Each hash table doubles for itself. One table of a million names would move all of them in one step, while every event waits.
 * 4. The rows are linked in the order in which their names were added.
 * 5. An id in the form of a UUID is stored as 16 bytes. Any other id is a text beside the table.
 */
export class StreamTable {
  #chunks: Int32Array[] = [];
  #index = emptyIndex();
  #functions: FunctionName[] = [];
  #functionNumbers = new Map<FunctionName, number>();
  /** The id of each row that is not packed. */
  readonly #texts = new ValueColumn<StreamId>();
  /** The name that is looked up now: its function, and its id as a text unless the id is packed. */
  readonly #packed = new Int32Array(PACKED_LENGTH);
  #text: StreamId | undefined;
  #function = 0;
  #size = 0;
  /** How many rows were ever given. */
  #rows = 0;
  #firstFree = NO_ROW;
  #first = NO_ROW;
  #last = NO_ROW;

  get size(): number {
    return this.#size;
  }

  /** The row whose name was added first. */
  get first(): number {
    return this.#first;
  }

  find({ function: fn, stream }: StreamName): number {
    const number = this.#functionNumbers.get(fn);
    if (number === undefined) return NO_ROW;
    const hash = this.#seek(number, stream);
    const { rows } = this.#partOf(hash);
    return rows[this.#positionIn(rows, hash)] as number;
  }

  /** The rows of a stream id, whatever the function. */
  *findAll(stream: StreamId): Iterable<number> {
    for (const fn of this.#functionNumbers.keys()) {
      const row = this.find({ function: fn, stream });
      if (row !== NO_ROW) yield row;
    }
  }

  /** Adds a name that the table does not have. */
  add({ function: fn, stream }: StreamName): number {
    const hash = this.#seek(this.#numberOf(fn), stream);
    const part = this.#partOf(hash);
    if (2 * (part.size + 1) > part.rows.length) this.#double(part);
    const row = this.#takeFree();
    part.rows[this.#positionIn(part.rows, hash)] = row;
    part.size++;
    const chunk = this.#chunkOf(row);
    const start = startOf(row);
    if (this.#text === undefined) chunk.set(this.#packed, start);
    this.#texts.set(row, this.#text);

    chunk[start + FUNCTION] = this.#function;
    chunk[start + PREVIOUS] = this.#last;
    chunk[start + NEXT] = NO_ROW;
    if (this.#last === NO_ROW) this.#first = row;
    else this.#set(this.#last, NEXT, row);
    this.#last = row;
    this.#size++;
    return row;
  }

  /** Removes a name. True when the table is empty and starts anew, so that no row of before means anything. */
  remove(row: number): boolean {
    this.#removeFromIndex(row);
    const [previous, next] = [this.#get(row, PREVIOUS), this.#get(row, NEXT)];
    if (previous === NO_ROW) this.#first = next;
    else this.#set(previous, NEXT, next);
    if (next === NO_ROW) this.#last = previous;
    else this.#set(next, PREVIOUS, previous);
    this.#texts.set(row, undefined);
    this.#set(row, NEXT, this.#firstFree);
    this.#firstFree = row;
    this.#size--;
    const isLarge = this.#rows > KEPT_ROWS || this.#functions.length > KEPT_FUNCTIONS;
    if (this.#size > 0 || !isLarge) return false;
    this.#startAnew();
    return true;
  }

  nameOf(row: number): StreamName {
    const stream = this.#texts.get(row) ?? (unpackId(this.#chunkOf(row), startOf(row)) as StreamId);
    return { function: this.#functions[this.#get(row, FUNCTION)] as FunctionName, stream };
  }

  /** All rows, the one that was added first before the others. The table must not change meanwhile. */
  *[Symbol.iterator](): Iterator<number> {
    for (let row = this.#first; row !== NO_ROW; row = this.#get(row, NEXT)) yield row;
  }

  /** The rows of a function, the one that was added first before the others. Reads two numbers of every row. */
  *rowsOf(fn: FunctionName): Iterable<number> {
    const number = this.#functionNumbers.get(fn);
    if (number === undefined) return;
    for (let row = this.#first; row !== NO_ROW; row = this.#get(row, NEXT)) if (this.#get(row, FUNCTION) === number) yield row;
  }

  /** Sets the name that is looked up, and returns its hash. */
  #seek(fn: number, stream: StreamId): number {
    this.#function = fn;
    this.#text = packId(stream, this.#packed) ? undefined : stream;
    return mix(this.#text === undefined ? hashOfPacked(this.#packed) : hashOfText(stream), fn);
  }

  #partOf(hash: number): Part {
    return this.#index[hash >>> (32 - PART_BITS)] as Part;
  }

  /** The position of the name that is looked up, or of the empty place where it belongs. */
  #positionIn(rows: Int32Array, hash: number): number {
    const last = rows.length - 1;
    let position = hash & last;
    for (;;) {
      const row = rows[position] as number;
      if (row === NO_ROW || this.#isAt(row)) return position;
      position = (position + 1) & last;
    }
  }

  /** Whether a row has the name that is looked up. */
  #isAt(row: number): boolean {
    const chunk = this.#chunkOf(row);
    const start = startOf(row);
    if (chunk[start + FUNCTION] !== this.#function || this.#texts.get(row) !== this.#text) return false;
    if (this.#text !== undefined) return true;
    for (let word = 0; word < PACKED_LENGTH; word++) if (chunk[start + word] !== this.#packed[word]) return false;
    return true;
  }

  #hashOf(row: number): number {
    const text = this.#texts.get(row);
    const hash = text === undefined ? hashOfPacked(this.#chunkOf(row), startOf(row)) : hashOfText(text);
    return mix(hash, this.#get(row, FUNCTION));
  }

  #removeFromIndex(row: number): void {
    const hash = this.#hashOf(row);
    const part = this.#partOf(hash);
    const { rows } = part;
    const last = rows.length - 1;
    let hole = hash & last;
    while (rows[hole] !== row) hole = (hole + 1) & last;
    for (let position = (hole + 1) & last; ; position = (position + 1) & last) {
      const other = rows[position] as number;
      if (other === NO_ROW) break;
      // A name moves back into the hole unless the position of its hash comes after the hole.
      if (((position - this.#hashOf(other)) & last) < ((position - hole) & last)) continue;
      rows[hole] = other;
      hole = position;
    }
    rows[hole] = NO_ROW;
    part.size--;
  }

  #double(part: Part): void {
    const { rows: smaller } = part;
    const rows = new Int32Array(2 * smaller.length).fill(NO_ROW);
    for (const row of smaller) {
      if (row === NO_ROW) continue;
      let position = this.#hashOf(row) & (rows.length - 1);
      while (rows[position] !== NO_ROW) position = (position + 1) & (rows.length - 1);
      rows[position] = row;
    }
    part.rows = rows;
  }

  #startAnew(): void {
    this.#chunks = [];
    this.#index = emptyIndex();
    this.#texts.clear();
    this.#functions = [];
    this.#functionNumbers = new Map();
    this.#rows = 0;
    this.#firstFree = NO_ROW;
  }

  #takeFree(): number {
    const row = this.#firstFree;
    if (row === NO_ROW) {
      if ((this.#rows & IN_CHUNK) === 0) this.#chunks.push(new Int32Array(WIDTH << CHUNK_BITS));
      return this.#rows++;
    }
    this.#firstFree = this.#get(row, NEXT);
    return row;
  }

  #numberOf(fn: FunctionName): number {
    const known = this.#functionNumbers.get(fn);
    if (known !== undefined) return known;
    this.#functionNumbers.set(fn, this.#functions.length);
    return this.#functions.push(fn) - 1;
  }

  #chunkOf(row: number): Int32Array {
    return this.#chunks[row >>> CHUNK_BITS] as Int32Array;
  }

  #get(row: number, field: number): number {
    return this.#chunkOf(row)[startOf(row) + field] as number;
  }

  #set(row: number, field: number, value: number): void {
    this.#chunkOf(row)[startOf(row) + field] = value;
  }
}

function startOf(row: number): number {
  return (row & IN_CHUNK) * WIDTH;
}
