import { hashOfText } from '#src/core/names/ids.ts';

/** A map of more entries has so many parts, and a key belongs to the part that the upper bits of its hash name. */
const SPLIT_AT = 2_048;
const PART_BITS = 8;

/**
 * A map of texts that grows in small steps. A `Map` of a hundred thousand entries moves all of them when it grows, while every event waits; here
 * each part grows for itself. A map of few entries is one part, because a process may have thousands of them.
 */
export class PartedMap<Value> {
  #parts: Map<string, Value>[] = [new Map()];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): Value | undefined {
    return this.#partOf(key).get(key);
  }

  set(key: string, value: Value): void {
    if (this.#parts.length === 1 && this.#size >= SPLIT_AT) this.#split();
    const part = this.#partOf(key);
    const before = part.size;
    part.set(key, value);
    this.#size += part.size - before;
  }

  delete(key: string): void {
    if (this.#partOf(key).delete(key)) this.#size--;
  }

  *values(): Iterable<Value> {
    for (const part of this.#parts) yield* part.values();
  }

  #partOf(key: string): Map<string, Value> {
    const at = this.#parts.length === 1 ? 0 : hashOfText(key) >>> (32 - PART_BITS);
    return this.#parts[at] as Map<string, Value>;
  }

  #split(): void {
    const [whole] = this.#parts;
    this.#parts = Array.from({ length: 1 << PART_BITS }, () => new Map());
    for (const [key, value] of whole ?? []) this.#partOf(key).set(key, value);
  }
}
