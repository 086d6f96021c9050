import FlatQueue from 'flatqueue';
import { attemptIdOf } from '#src/core/flow/entry-change.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { attemptOf, type WaitingAttempt, type WaitingKey } from './waiting-key.ts';

/** A key of a pool. */
export type KeyOfPool = { pool: PoolId; waiting: WaitingKey };
/** When a key of a pool, or without a key the entry of the pool, has to be planned again. */
type Due = { pool: PoolId; waiting: WaitingKey | undefined };

/**
 * Why keys that are not ready become ready although nothing happens to their attempts: a time comes, or an earlier request gets its place.
 *
 * Times and sequences are in heaps, so that a key costs the same whatever the number of keys is.
 */
export class KeyDelays {
  readonly #patienceInMs: number;
  readonly #due = new FlatQueue<Due>();
  /** When attempts left an entry, the earliest first. The log may not show yet that they started, so they are no waiters before the patience. */
  readonly #left = new Map<string, number>();
  /** The keys of a function that wait for a place of an earlier request, by the sequence of their first request (SLOT7). */
  readonly #unplaced = new Map<FunctionName, FlatQueue<KeyOfPool>>();

  constructor(patienceInMs: number) {
    this.#patienceInMs = patienceInMs;
  }

  /** The time of the next planning, or earlier; infinite when there is none. */
  get nextAt(): number {
    return this.#due.peekValue() ?? Number.POSITIVE_INFINITY;
  }

  /** The pool is planned again at a time. */
  scheduleAt(pool: PoolId, at: number): void {
    this.#due.push({ pool, waiting: undefined }, at);
  }

  /** The key is ready again at a time. */
  readyAt({ pool, waiting }: KeyOfPool, at: number): void {
    if (at >= waiting.dueAt) return;
    waiting.dueAt = at;
    this.#due.push({ pool, waiting }, at);
  }

  /** What is due at a time. */
  *takeDue(now: number): Iterable<Due> {
    for (let at = this.nextAt; at <= now; at = this.nextAt) {
      const due = this.#due.pop();
      if (due === undefined) return;
      if (due.waiting?.dueAt === at) due.waiting.dueAt = Number.POSITIVE_INFINITY;
      else if (due.waiting !== undefined) continue;
      yield due;
    }
  }

  noteLeft(id: string, now: number): void {
    this.#left.set(id, now);
  }

  /** Whether an attempt left the entry within the patience: the log may not show yet why. Its key is ready again after the patience. */
  hasLeft(key: KeyOfPool, attempt: WaitingAttempt, now: number): boolean {
    const until = (this.#left.get(attemptIdOf(attemptOf(attempt))) ?? Number.NEGATIVE_INFINITY) + this.#patienceInMs;
    if (until > now) this.readyAt(key, until);
    return until > now;
  }

  forgetLeft(now: number): void {
    for (const [id, at] of this.#left) {
      if (at + this.#patienceInMs > now) return;
      this.#left.delete(id);
    }
  }

  /** The key is ready again when all requests before one have their place. */
  waitForPlaces(key: KeyOfPool, request: number): void {
    const name = key.waiting.function;
    const queue = this.#unplaced.get(name) ?? new FlatQueue();
    this.#unplaced.set(name, queue);
    queue.push(key, request);
  }

  /** The functions with keys that wait for a place of an earlier request. */
  get unplaced(): readonly FunctionName[] {
    return [...this.#unplaced.keys()];
  }

  /** The keys whose next request comes before the first one of a function without a place. */
  *takePlaced(name: FunctionName, firstUnplaced: (name: FunctionName) => number): Iterable<KeyOfPool> {
    const queue = this.#unplaced.get(name);
    if (queue === undefined) return;
    const before = firstUnplaced(name);
    for (let request = queue.peekValue(); request !== undefined && request < before; request = queue.peekValue()) {
      const found = queue.pop();
      if (found !== undefined) yield found;
    }
    if (queue.length === 0) this.#unplaced.delete(name);
  }
}
