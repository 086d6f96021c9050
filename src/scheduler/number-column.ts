/** A chunk has the numbers of 4,096 slots. */
const CHUNK_BITS = 12;
const IN_CHUNK = (1 << CHUNK_BITS) - 1;

/**
 * One number for each slot, or `undefined`.
 *
 * A chunk exists once a number in it is set. A column that few slots use therefore costs nothing, and growing copies nothing.
 */
export class NumberColumn {
  #chunks: (Float64Array | undefined)[] = [];

  get(slot: number): number | undefined {
    const value = this.#chunks[slot >>> CHUNK_BITS]?.[slot & IN_CHUNK];
    // NaN stands for `undefined`.
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  set(slot: number, value: number | undefined): void {
    let chunk = this.#chunks[slot >>> CHUNK_BITS];
    if (chunk === undefined) {
      if (value === undefined) return;
      chunk = new Float64Array(1 << CHUNK_BITS).fill(Number.NaN);
      this.#chunks[slot >>> CHUNK_BITS] = chunk;
    }
    chunk[slot & IN_CHUNK] = value ?? Number.NaN;
  }

  clear(): void {
    this.#chunks = [];
  }
}
