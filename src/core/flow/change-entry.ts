import {
  type Answer,
  attemptIdOf,
  type Change,
  type Changed,
  type FreeExecutionSlots,
  heldOf,
  type NoToken,
  takesSlot,
} from './entry-change.ts';
import { HolderRoom } from './holder-room.ts';
import type { Attempt, LedgerEntry, Waiter } from './ledger-entry.ts';
import { gatherInMs, nextFullAt, TokenBuckets } from './token-buckets.ts';
import { compareRanks, isLaterInQueue, needsSame } from './waiter-order.ts';

const NO_PLACES: FreeExecutionSlots = { serves: () => false, take: () => false };
const GATHER_TOKENS_FOR_MS = 50;
/** How long a slot is kept for a waiter that another worker has to start, before later waiters may have the slot. */
const KEPT_FOR_MS = 1_000;

/**
 * Applies a change to an entry. Pure.
 *
 * - An attempt gets a slot only when the limits of its function hold after it (SLOT2), and a worker has a place for it (SLOT6). Freed slots
 *   go to the waiters first, in their order.
 * - An attempt of a function with a rate gets a token with its slot (RATE1), and uses the token when it starts (RATE2).
 * - A waiter that finds all slots of its key taken, or no token, holds up only its key. One that finds all slots of the pool taken holds up
 *   every attempt, because functions with a higher limit would otherwise take every slot before it (SLOT5).
 * - A waiter that may start and finds no place here keeps its slot free for another worker, for a second (SLOT5).
 * - In the order of the log, no attempt takes a slot by itself (SLOT7).
 * - With priorities, the waiters of a key are in the order of their ranks (SLOT8).
 */
export function changeEntry(entry: LedgerEntry, change: Change): Changed {
  const { starts = [], releases = [], withdrawals = [], running = [], waits = [], acquisitions = [] } = change;
  const draft = new Draft(entry, change);
  for (const attempt of starts) draft.start(attempt);
  for (const attempt of releases) draft.release(attempt);
  for (const attempt of withdrawals) draft.withdraw(attempt);
  for (const attempt of running) draft.hold(attempt);
  for (const waiter of waits) draft.wait(waiter);
  if (waits.some(({ rank }) => rank !== undefined)) draft.sortRanked();
  if (change.places !== undefined) draft.grant();
  const answers = new Map(acquisitions.map((waiter) => [attemptIdOf(waiter), draft.acquire(waiter)]));
  const { granted, borrowed, lacking, nextAt } = draft;
  return { entry: draft.changedFrom(entry), answers, granted, borrowed, lacking, nextAt };
}

class Draft {
  readonly granted: Waiter[] = [];
  readonly borrowed = new Map<string, number>();
  readonly lacking = new Set<string>();
  nextAt = Number.POSITIVE_INFINITY;
  readonly #holders: Map<string, Attempt>;
  readonly #waiters: Map<string, Waiter>;
  readonly #heldByKey = new Map<string, number>();
  readonly #room: HolderRoom;
  readonly #buckets: TokenBuckets;
  readonly #now: number;
  readonly #places: FreeExecutionSlots;
  /** The acquisitions, and how many of their places are not used yet, by function. */
  readonly #asking: ReadonlySet<string>;
  readonly #asked = new Map<string, number>();
  /** The attempts that keep their slots for the next attempt of their invocation. */
  readonly #kept = new Map<string, Attempt>();
  #slots = 0;
  /** A waiter waits for the total. No attempt after it gets a slot. */
  #isHeldUp = false;
  #isChanged = false;
  #waitersOfKeys: Map<string, number> | undefined;
  /** A refused acquisition. Slots and tokens only become fewer while acquisitions are answered, and a worker may have a hundred equal ones. */
  #refused: { waiter: Waiter; answer: Answer } | undefined;

  constructor(entry: LedgerEntry, { now = 0, acquisitions = [], places = NO_PLACES, spilled }: Change) {
    this.#holders = new Map(entry.holders.map((one) => [attemptIdOf(one), one]));
    this.#room = new HolderRoom(this.#holders);
    this.#waiters = new Map(entry.waiters.map((one) => [attemptIdOf(one), one]));
    this.#buckets = new TokenBuckets(entry, now, spilled);
    this.#now = now;
    this.#places = places;
    this.#asking = new Set(acquisitions.map(attemptIdOf));
    for (const one of acquisitions)
      if (!this.#holders.has(attemptIdOf(one))) this.#asked.set(one.function, this.#placesAsked(one.function) + 1);
    for (const one of this.#holders.values()) {
      this.#count(one, 1);
      if (one.fifo === 'hold') this.#kept.set(`${one.function}/${one.invocation}`, one);
    }
  }

  /** The entry after the change; the same object when nothing changed. */
  changedFrom(entry: LedgerEntry): LedgerEntry {
    const { written: buckets } = this.#buckets;
    const hasFullSpill = nextFullAt({ spills: entry.spills }) <= this.#now;
    if (!this.#isChanged && buckets === entry.buckets && !hasFullSpill) return entry;
    const { buckets: _, ...kept } = entry;
    const named = { ...kept, holders: [...this.#holders.values()], waiters: [...this.#waiters.values()] };
    return buckets === undefined ? named : { ...named, buckets };
  }

  start(attempt: Attempt): void {
    const id = attemptIdOf(attempt);
    const held = this.#holders.get(id);
    if (held?.rate === undefined) return;
    const { rate, ...started } = held;
    this.#isChanged = true;
    this.#buckets.use({ rate, key: started.key });
    this.#holders.set(id, started);
  }

  /** The attempt may have started, so it uses its token. */
  release(attempt: Attempt): void {
    const id = attemptIdOf(attempt);
    this.start(attempt);
    const held = this.#holders.get(id);
    if (held !== undefined) {
      this.#count(held, -1);
      this.#room.count(held, -1);
      this.#holders.delete(id);
      this.#isChanged = true;
    }
    this.withdraw(attempt);
  }

  withdraw(attempt: Attempt): void {
    if (this.#waiters.delete(attemptIdOf(attempt))) this.#isChanged = true;
  }

  /** Adds a waiter. In the order of the log, it comes before the attempts of its key whose requests are later (SLOT7). */
  wait(waiter: Waiter): void {
    const id = attemptIdOf(waiter);
    if (this.#holders.has(id)) return;
    const isKnown = this.#waiters.has(id);
    this.#waiters.set(id, waiter);
    this.#isChanged = true;
    if (waiter.fifo === undefined || isKnown) return;
    for (const [other, one] of [...this.#waiters]) {
      if (!isLaterInQueue(one, waiter)) continue;
      this.#waiters.delete(other);
      this.#waiters.set(other, one);
    }
  }

  /** Sorts the waiters of each key that have ranks. The others keep their places. */
  sortRanked(): void {
    const queues = new Map<string, Waiter[]>();
    const all = [...this.#waiters.values()];
    for (const one of all) {
      if (one.rank === undefined) continue;
      const queue = queues.get(one.key);
      if (queue === undefined) queues.set(one.key, [one]);
      else queue.push(one);
    }
    for (const queue of queues.values()) queue.sort(compareRanks).reverse();
    this.#waiters.clear();
    for (const one of all) {
      const next = (one.rank === undefined ? undefined : queues.get(one.key)?.pop()) ?? one;
      this.#waiters.set(attemptIdOf(next), next);
    }
  }

  hold(attempt: Attempt & Partial<Waiter>): void {
    const held = heldOf(attempt);
    const id = attemptIdOf(held);
    const { rate, key } = held;
    if (this.#waiters.delete(id)) this.#isChanged = true;
    if (this.#holders.has(id)) return;
    this.#isChanged = true;
    this.#holders.set(id, held);
    this.#count(held, 1);
    this.#room.count(held, 1);
    if (rate !== undefined) this.#buckets.hold({ rate, key });
  }

  /** Gives free slots to the waiters, in their order, while this worker has places. */
  grant(): void {
    for (const [id, waiter] of [...this.#waiters]) {
      const kept = this.#keptFor(waiter);
      const limit = takesOver(waiter, kept) ? 'held' : this.#limitOf(waiter);
      if (limit === 'held') this.#grantTo(waiter, id, kept);
      else if (limit === 'full') this.#isHeldUp ||= !this.#isPassed(waiter);
      else if (typeof limit === 'object' && this.#places.serves(waiter.function)) this.#noteToken(limit, waiter);
    }
  }

  /** Tokens that come back soon after the next one are given in the same write. */
  #noteToken({ dueAt }: NoToken, { rate }: Waiter): void {
    this.nextAt = Math.min(this.nextAt, dueAt + (rate === undefined ? 0 : gatherInMs(rate, GATHER_TOKENS_FOR_MS)));
  }

  acquire(waiter: Waiter): Answer {
    const id = attemptIdOf(waiter);
    if (this.#holders.has(id)) return 'held';
    const kept = this.#keptFor(waiter);
    if (kept !== undefined && this.#placesAsked(waiter.function) > 0) {
      this.release(kept);
      this.#refused = undefined;
      if (takesOver(waiter, kept)) {
        this.#holdAsked(waiter);
        return 'held';
      }
    }
    if (waiter.fifo !== undefined) return 'key-full';
    if (this.#refused !== undefined && needsSame(waiter, this.#refused.waiter)) return this.#refused.answer;
    const answer = this.#answerTo(waiter, id);
    if (answer === 'held') this.#holdAsked(waiter);
    else this.#refused = { waiter, answer };
    return answer;
  }

  #answerTo(waiter: Waiter, id: string): Answer {
    const answer = this.#limitOf(waiter);
    if (answer !== 'held') return answer;
    const isBehind = this.#waitersOf(waiter.key) > (this.#waiters.has(id) ? 1 : 0);
    if (isBehind) return 'key-full';
    return this.#placesAsked(waiter.function) > 0 ? 'held' : 'full';
  }

  #holdAsked(waiter: Waiter): void {
    this.#asked.set(waiter.function, this.#placesAsked(waiter.function) - 1);
    this.hold(waiter);
  }

  #grantTo(waiter: Waiter, id: string, kept: Attempt | undefined): void {
    if (this.#takePlaceFor(waiter)) {
      if (kept !== undefined) this.release(kept);
      this.hold(waiter);
      if (!this.#asking.has(id)) this.granted.push(waiter);
      return;
    }
    if (this.#isPassed(waiter)) return;
    const { freeSince = this.#now } = waiter;
    this.nextAt = Math.min(this.nextAt, freeSince + KEPT_FOR_MS);
    if (waiter.freeSince === undefined) {
      this.#waiters.set(id, { ...waiter, freeSince });
      this.#isChanged = true;
    }
    this.#count(waiter, takesSlot(waiter) ? 1 : 0);
    if (waiter.rate !== undefined) this.#buckets.hold({ rate: waiter.rate, key: waiter.key });
  }

  /** Whether a slot was kept for a waiter long enough: no worker has a place for it. */
  #isPassed({ freeSince = Number.POSITIVE_INFINITY }: Waiter): boolean {
    return freeSince + KEPT_FOR_MS <= this.#now;
  }

  /** Takes a place of this worker. An attempt that asks has one, and gives it to a waiter before it. */
  #takePlaceFor(waiter: Waiter): boolean {
    const { function: name } = waiter;
    const isAsking = this.#asking.has(attemptIdOf(waiter));
    if (!isAsking && this.#places.take(name)) return true;
    const asked = this.#placesAsked(name);
    if (asked > 0) {
      this.#asked.set(name, asked - 1);
      if (!isAsking) this.borrowed.set(name, (this.borrowed.get(name) ?? 0) + 1);
      return true;
    }
    if (this.#places.serves(name)) this.lacking.add(name);
    return false;
  }

  #placesAsked(name: string): number {
    return this.#asked.get(name) ?? 0;
  }

  /** The slot that an earlier attempt of the invocation kept. */
  #keptFor({ function: name, invocation, attempt }: Waiter): Attempt | undefined {
    if (this.#kept.size === 0) return undefined;
    const kept = this.#kept.get(`${name}/${invocation}`);
    return kept === undefined || kept.attempt >= attempt || !this.#holders.has(attemptIdOf(kept)) ? undefined : kept;
  }

  #limitOf({ key, perKey, total, rate }: Waiter): Answer {
    if (this.#room.isFull) return 'full';
    if (perKey !== undefined && (this.#heldByKey.get(key) ?? 0) >= perKey) return 'key-full';
    const dueAt = rate === undefined ? this.#now : this.#buckets.nextAt({ rate, key });
    if (dueAt > this.#now) return { dueAt };
    if (!takesSlot({ perKey, total, rate })) return 'held';
    return this.#isHeldUp || (total !== undefined && this.#slots >= total) ? 'full' : 'held';
  }

  #waitersOf(key: string): number {
    if (this.#waitersOfKeys === undefined) {
      this.#waitersOfKeys = new Map();
      for (const { key: one } of this.#waiters.values()) this.#waitersOfKeys.set(one, (this.#waitersOfKeys.get(one) ?? 0) + 1);
    }
    return this.#waitersOfKeys.get(key) ?? 0;
  }

  #count({ key, isSlotless }: Attempt, by: number): void {
    if (isSlotless) return;
    this.#slots += by;
    this.#heldByKey.set(key, (this.#heldByKey.get(key) ?? 0) + by);
  }
}

/** Whether the slot that an earlier attempt of the invocation kept is that of the waiter. */
function takesOver({ key, rate }: Waiter, kept: Attempt | undefined): boolean {
  return kept !== undefined && kept.key === key && rate === undefined;
}
