import type { FactOf } from '#machines/facts.ts';

/** Bounds the memory: further open invocations are only counted. */
const MAX_TRACKED = 200_000;

/** `firstDueAt`: when the first attempt was due, at acceptance unless the request was delayed. */
export type OpenInvocation = { function: string; firstDueAt: number; attemptAt: number | undefined };

/** The invocations that are not notified yet: their number, their times, and the ones for which no attempt has started. */
export class OpenInvocations {
  readonly #tracked = new Map<string, OpenInvocation>();
  /** The time of acceptance by function and by id. A `Map` keeps the order of insertion, so the first entry is the oldest. */
  readonly #queued = new Map<string, Map<string, number>>();
  /** The due time of delayed requests, by function and by id. They are in no order of time. */
  readonly #delayed = new Map<string, Map<string, number>>();
  #untracked = 0;

  get size(): number {
    return this.#tracked.size + this.#untracked;
  }

  /** Adds an invocation. A second request with the same id starts nothing and changes nothing. */
  accept(name: string, { invocation: id, at, dueAt }: Pick<FactOf<'queued'>, 'invocation' | 'at' | 'dueAt'>): void {
    if (this.#tracked.has(id)) return;
    if (this.#tracked.size >= MAX_TRACKED) {
      this.#untracked++;
      return;
    }
    this.#tracked.set(id, { function: name, firstDueAt: dueAt ?? at, attemptAt: undefined });
    const waiting = dueAt === undefined ? this.#queued : this.#delayed;
    let ofFunction = waiting.get(name);
    if (ofFunction === undefined) {
      ofFunction = new Map();
      waiting.set(name, ofFunction);
    }
    ofFunction.set(id, dueAt ?? at);
  }

  /** An invocation that is tracked, and that is removed from its queue. */
  dequeue(id: string): OpenInvocation | undefined {
    const found = this.#tracked.get(id);
    if (found !== undefined) {
      this.#queued.get(found.function)?.delete(id);
      this.#delayed.get(found.function)?.delete(id);
    }
    return found;
  }

  find(id: string): OpenInvocation | undefined {
    return this.#tracked.get(id);
  }

  remove(id: string): void {
    if (!this.#tracked.delete(id) && this.#untracked > 0) this.#untracked--;
  }

  /** Each function with the time since when its oldest queued request is due; `undefined` if none is due. */
  *oldestQueued(now: number): Iterable<[name: string, dueSince: number | undefined]> {
    for (const name of new Set([...this.#queued.keys(), ...this.#delayed.keys()])) {
      let [oldest] = this.#queued.get(name)?.values() ?? [];
      for (const dueAt of this.#delayed.get(name)?.values() ?? []) if (dueAt <= now && dueAt < (oldest ?? now + 1)) oldest = dueAt;
      yield [name, oldest];
    }
  }

  /** Each function that had delayed requests, with the number of those that are not due yet. */
  *delayed(now: number): Iterable<[name: string, count: number]> {
    for (const [name, requests] of this.#delayed) {
      let count = 0;
      for (const dueAt of requests.values()) if (dueAt > now) count++;
      yield [name, count];
    }
  }
}
