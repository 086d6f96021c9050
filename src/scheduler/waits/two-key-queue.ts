/**
 * A queue of numbers, each with two keys: the least first key comes first, and of equal ones the least second key.
 *
 * A push and a pop take logarithmic time also when all first keys are equal. The numbers and keys are in three arrays, because a backlog has a
 * million (docs/performance.md H19).
 */
export class TwoKeyQueue {
  readonly #ids: number[] = [];
  readonly #first: number[] = [];
  readonly #second: number[] = [];

  get length(): number {
    return this.#ids.length;
  }

  /** The keys of the number that is popped next. */
  get first(): number | undefined {
    return this.#first[0];
  }
  get second(): number | undefined {
    return this.#second[0];
  }

  push(id: number, first: number, second: number): void {
    let at = this.#ids.length;
    this.#set(at, id, first, second);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): number | undefined {
    const top = this.#ids[0];
    const last = this.#ids.length - 1;
    if (last > 0) this.#swap(0, last);
    this.#ids.pop();
    this.#first.pop();
    this.#second.pop();
    this.#sink(0);
    return top;
  }

  /** Gives every number another first key; a number without one leaves the queue. Takes linear time. */
  rekey(firstOf: (id: number, second: number) => number | undefined): void {
    let kept = 0;
    for (let at = 0; at < this.#ids.length; at++) {
      const [id = 0, second = 0] = [this.#ids[at], this.#second[at]];
      const first = firstOf(id, second);
      if (first !== undefined) this.#set(kept++, id, first, second);
    }
    this.#ids.length = kept;
    this.#first.length = kept;
    this.#second.length = kept;
    for (let at = (kept >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** Moves a number down until none below it comes before it. */
  #sink(from: number): void {
    const count = this.#ids.length;
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      if (left >= count) return;
      const child = left + 1 < count && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#isBefore(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const byFirst = (this.#first[one] ?? 0) - (this.#first[other] ?? 0);
    return byFirst === 0 ? (this.#second[one] ?? 0) < (this.#second[other] ?? 0) : byFirst < 0;
  }

  #set(at: number, id: number, first: number, second: number): void {
    this.#ids[at] = id;
    this.#first[at] = first;
    this.#second[at] = second;
  }

  #swap(one: number, other: number): void {
    const [id = 0, first = 0, second = 0] = [this.#ids[one], this.#first[one], this.#second[one]];
    this.#set(one, this.#ids[other] ?? 0, this.#first[other] ?? 0, this.#second[other] ?? 0);
    this.#set(other, id, first, second);
  }
}
