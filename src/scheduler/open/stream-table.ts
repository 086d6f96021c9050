import type { StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';

/** How many 32-bit numbers hold an id in the form of a UUID. */
const PACKED_LENGTH = 4;

const LENGTH = 36;
const DASH = 45;
const NO_DIGIT = -1;

/** The value of each lower-case hexadecimal digit, by its character code. */
const digitOf = new Int8Array(128).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit++) digitOf[digit.toString(16).charCodeAt(0)] = digit;

/** Packs a lower-case UUID into four numbers; false for every other text. */
function packId(id: string, packed: Int32Array): boolean {
  if (id.length !== LENGTH) return false;
  let word = 0;
  let digits = 0;
  for (let at = 0; at < LENGTH; at++) {
    const code = id.charCodeAt(at);
    if (isDashAt(at)) {
      if (code !== DASH) return false;
      continue;
    }
    const digit = digitOf[code] ?? NO_DIGIT;
    if (digit === NO_DIGIT) return false;
    word = (word << 4) | digit;
    digits++;
    if ((digits & 7) === 0) packed[(digits >>> 3) - 1] = word;
  }
  return true;
}

function isDashAt(at: number): boolean {
  return at === 8 || at === 13 || at === 18 || at === 23;
}

/** The text of the packed id at a place in an array. */
function unpackId(numbers: Int32Array, start = 0): string {
  let hex = '';
  for (let at = start; at < start + PACKED_LENGTH; at++) hex += ((numbers[at] as number) >>> 0).toString(16).padStart(8, '0');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** A hash of the packed id at a place in an array. */
function hashOfPacked(numbers: Int32Array, start = 0): number {
  let hash = 0;
  for (let at = start; at < start + PACKED_LENGTH; at++) hash = mix(hash, numbers[at] as number);
  return hash;
}

/** A hash of any text. */
function hashOfText(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix(hash, text.length);
}

/** Mixes all bits of two numbers (the finalizer of MurmurHash3). */
function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash, 31) + word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

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

const SMALLEST_INDEX = 1_024;
/** An empty table that had more rows than this, or more functions, starts anew. */
const KEPT_ROWS = 4 << CHUNK_BITS;
const KEPT_FUNCTIONS = 1_024;

/**
 * A map from the name of a stream to a row, in arrays of integers (docs/performance.md H19).
 *
 * 1. A row is a small number. A name keeps its row until it is removed; afterwards another name may get the row.
 * 2. The index is a hash table with linear probing: from the position of its hash on, no empty position comes before a name. It is at most
 *    half full. Removing a name moves later names back, so no marks of removed names remain.
 * 3. The rows are linked in the order in which their names were added.
 * 4. An id in the form of a UUID is stored as 16 bytes. Any other id is a text beside the table.
 */
export class StreamTable {
  #chunks: Int32Array[] = [];
  #index = new Int32Array(SMALLEST_INDEX).fill(NO_ROW);
  #functions: FunctionName[] = [];
  #functionNumbers = new Map<FunctionName, number>();
  readonly #texts = new PassingMap<number, StreamId>();
  /** The id that is looked up now. */
  readonly #packed = new Int32Array(PACKED_LENGTH);
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
    return this.#index[this.#positionOf(number, stream, packId(stream, this.#packed))] as number;
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
    if (2 * (this.#size + 1) > this.#index.length) this.#rebuildIndex(2 * this.#index.length);
    const isPacked = packId(stream, this.#packed);
    const number = this.#numberOf(fn);
    const position = this.#positionOf(number, stream, isPacked);
    const row = this.#takeFree();
    this.#index[position] = row;
    const chunk = this.#chunkOf(row);
    const start = startOf(row);
    if (isPacked) chunk.set(this.#packed, start);
    else this.#texts.set(row, stream);
    chunk[start + FUNCTION] = number;
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
    this.#texts.delete(row);
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

  /** The position of a name in the index, or of the empty place where it belongs. */
  #positionOf(fn: number, stream: StreamId, isPacked: boolean): number {
    const last = this.#index.length - 1;
    let position = mix(isPacked ? hashOfPacked(this.#packed) : hashOfText(stream), fn) & last;
    for (;;) {
      const row = this.#index[position] as number;
      if (row === NO_ROW || this.#isAt(row, fn, isPacked ? undefined : stream)) return position;
      position = (position + 1) & last;
    }
  }

  /** Whether a row has the name: with `text`, or with the packed id that is looked up. */
  #isAt(row: number, fn: number, text: StreamId | undefined): boolean {
    const chunk = this.#chunkOf(row);
    const start = startOf(row);
    if (chunk[start + FUNCTION] !== fn || this.#texts.get(row) !== text) return false;
    if (text !== undefined) return true;
    for (let word = 0; word < PACKED_LENGTH; word++) if (chunk[start + word] !== this.#packed[word]) return false;
    return true;
  }

  /** The position that the hash of a row names. */
  #homeOf(row: number): number {
    const text = this.#texts.get(row);
    const hash = text === undefined ? hashOfPacked(this.#chunkOf(row), startOf(row)) : hashOfText(text);
    return mix(hash, this.#get(row, FUNCTION)) & (this.#index.length - 1);
  }

  #removeFromIndex(row: number): void {
    const last = this.#index.length - 1;
    let hole = this.#homeOf(row);
    while (this.#index[hole] !== row) hole = (hole + 1) & last;
    for (let position = (hole + 1) & last; ; position = (position + 1) & last) {
      const other = this.#index[position] as number;
      if (other === NO_ROW) break;
      // A name moves back into the hole unless its home comes after the hole.
      if (((position - this.#homeOf(other)) & last) < ((position - hole) & last)) continue;
      this.#index[hole] = other;
      hole = position;
    }
    this.#index[hole] = NO_ROW;
  }

  #rebuildIndex(length: number): void {
    this.#index = new Int32Array(length).fill(NO_ROW);
    for (const row of this) {
      let position = this.#homeOf(row);
      while (this.#index[position] !== NO_ROW) position = (position + 1) & (length - 1);
      this.#index[position] = row;
    }
  }

  #startAnew(): void {
    this.#chunks = [];
    this.#index = new Int32Array(SMALLEST_INDEX).fill(NO_ROW);
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
