/**
 * A map for short-lived entries, in insertion order. Invariant: a deleted value cannot be reached from the map.
 *
 * V8 links an outgrown table of a `Map` to its successor. Once one table is promoted, entries that are deleted later still survive minor
 * collections. The values here therefore sit in boxes that are emptied on delete (docs/performance.md V3).
 */
export class PassingMap<Key, Value> {
  readonly #boxes = new Map<Key, Box<Value>>();

  get size(): number {
    return this.#boxes.size;
  }

  has(key: Key): boolean {
    return this.#boxes.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#boxes.get(key)?.value;
  }

  set(key: Key, value: Value): void {
    this.delete(key);
    this.#boxes.set(key, { value });
  }

  /** Deletes an entry, and returns its value. */
  delete(key: Key): Value | undefined {
    const box = this.#boxes.get(key);
    if (box === undefined) return undefined;
    const { value } = box;
    box.value = undefined;
    this.#boxes.delete(key);
    return value;
  }

  *values(): Iterable<Value> {
    for (const { value } of this.#boxes.values()) yield value as Value;
  }

  *[Symbol.iterator](): Iterator<readonly [Key, Value]> {
    for (const [key, { value }] of this.#boxes) yield [key, value as Value];
  }
}

type Box<Value> = { value: Value | undefined };
