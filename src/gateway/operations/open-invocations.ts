/** Bounds the memory: further open invocations are only counted. */
const MAX_TRACKED = 200_000;

export type OpenInvocation = { function: string; acceptedAt: number; attemptAt: number | undefined };

/** The invocations that are not notified yet: their number, their times, and the ones for which no attempt has started. */
export class OpenInvocations {
  readonly #tracked = new Map<string, OpenInvocation>();
  /** The time of acceptance by function and by id. A `Map` keeps the order of insertion, so the first entry is the oldest. */
  readonly #queued = new Map<string, Map<string, number>>();
  #untracked = 0;

  get size(): number {
    return this.#tracked.size + this.#untracked;
  }

  /** Adds an invocation. A second request with the same id starts nothing and changes nothing. */
  accept(name: string, id: string, at: number): void {
    if (this.#tracked.has(id)) return;
    if (this.#tracked.size >= MAX_TRACKED) {
      this.#untracked++;
      return;
    }
    this.#tracked.set(id, { function: name, acceptedAt: at, attemptAt: undefined });
    let queued = this.#queued.get(name);
    if (queued === undefined) {
      queued = new Map();
      this.#queued.set(name, queued);
    }
    queued.set(id, at);
  }

  /** An invocation that is tracked, and that is removed from its queue. */
  dequeue(id: string): OpenInvocation | undefined {
    const found = this.#tracked.get(id);
    if (found !== undefined) this.#queued.get(found.function)?.delete(id);
    return found;
  }

  find(id: string): OpenInvocation | undefined {
    return this.#tracked.get(id);
  }

  remove(id: string): void {
    if (!this.#tracked.delete(id) && this.#untracked > 0) this.#untracked--;
  }

  /** Each function with the time of its oldest queued request; `undefined` if no request is queued. */
  *oldestQueued(): Iterable<[name: string, acceptedAt: number | undefined]> {
    for (const [name, queued] of this.#queued) {
      const [oldest] = queued.values();
      yield [name, oldest];
    }
  }
}
