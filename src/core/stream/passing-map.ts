/**
 * A map of what is in hand for a moment only, in the order in which it came.
 *
 * Invariant: nothing that was deleted can be reached from it. A `Map` is different in V8: a table that was outgrown points to the next one, with
 * what is in that. Once one of them is old, all later ones are kept, with all that ever was in them, until the next collection
 * of the whole heap: in a busy worker every single invocation was, which cost a fifth of its time. Here a table holds boxes, and a box is
 * emptied.
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

  /** Returns what it had there. */
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
