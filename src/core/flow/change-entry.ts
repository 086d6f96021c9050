import type { Attempt, LedgerEntry, Waiter } from './ledger-entry.ts';
import { TokenBuckets } from './token-buckets.ts';

/** What one process wants of an entry, all in one write. */
export type Change = {
  /** The time, by which tokens come back. Needed when functions have rates. */
  now?: number;
  /** Attempts that started by the log. They use the tokens that they hold (RATE2). */
  starts?: readonly Attempt[];
  /** Attempts that are over by the log, or can never start. They hold no slot any more, and wait for none. */
  releases?: readonly Attempt[];
  /** Waiters that wait no longer. A waiter that got a slot meanwhile keeps the slot. */
  withdrawals?: readonly Attempt[];
  /** Running attempts whose slots the ledger may have lost. The limits do not apply to them. */
  running?: readonly Attempt[];
  /** Attempts that wait in the log for a slot of their key, and are to get the next ones. */
  waits?: readonly Waiter[];
  /** Attempts that are to get a slot now. */
  acquisitions?: readonly Waiter[];
  /** How many of the acquisitions that find no slot may wait in the entry. */
  mayWait?: number;
  /** The acquisitions that wait in the log when their key is full, by {@link idOf}. The first one of its key is a waiter of the entry too. */
  deferring?: ReadonlySet<string>;
};

/** How many waiters an entry has before a worker adds no deferred one. The scheduler adds them then, in turns. */
const MANY_WAITERS = 128;
const NOBODY: ReadonlySet<string> = new Set();

/** No token is free before `dueAt`, at the earliest. */
export type NoToken = { dueAt: number };

/** `key-full`: all slots of the key are taken, or other attempts wait for them. `full`: all slots are. */
export type Answer = 'held' | 'key-full' | 'full' | NoToken;

/** Whether an attempt waits in the log with this answer, and holds up only its key. */
export function isOfKey(answer: Answer): answer is 'key-full' | NoToken {
  return answer === 'key-full' || typeof answer === 'object';
}

/** What an attempt is called in maps. */
export function idOf({ function: name, invocation, attempt }: Pick<Attempt, 'function' | 'invocation' | 'attempt'>): string {
  return `${name}/${invocation}/${attempt}`;
}

/**
 * Applies a change to an entry. Pure.
 *
 * - An attempt gets a slot only when the limits of its function hold after it (SLOT2). Freed slots go to the waiters first, in their order.
 * - An attempt of a function with a rate gets a token with its slot (RATE1), and uses the token when it starts (RATE2).
 * - A waiter that finds all slots of its key taken, or no token, holds up only its key. One that finds all slots of the pool taken holds up every attempt,
 *   because functions with a higher limit would otherwise take every slot before it (SLOT5).
 * - In the order of the log, only the scheduler adds waiters, and no attempt takes a slot by itself (SLOT7).
 * - With priorities, the waiters of a key are in the order of their ranks (SLOT8).
 */
export function changeEntry(entry: LedgerEntry, change: Change): { entry: LedgerEntry; answers: ReadonlyMap<string, Answer> } {
  const { now = 0, starts = [], releases = [], withdrawals = [], running = [], waits = [], acquisitions = [] } = change;
  const draft = new Draft(entry, now);
  for (const attempt of starts) draft.start(attempt);
  for (const attempt of releases) draft.release(attempt);
  for (const attempt of withdrawals) draft.waiters.delete(idOf(attempt));
  for (const attempt of running) draft.hold(attempt);
  for (const waiter of waits) draft.wait(waiter);
  if (waits.some(({ rank }) => rank !== undefined)) draft.sortRanked();
  draft.grant();
  return { answers: acquireAll(draft, acquisitions, change), entry: draft.entry };
}

function acquireAll(
  draft: Draft,
  acquisitions: readonly Waiter[],
  { mayWait = 0, deferring = NOBODY }: Change,
): ReadonlyMap<string, Answer> {
  const answers = new Map<string, Answer>();
  let waiting = acquisitions.filter((one) => draft.waiters.has(idOf(one))).length;
  for (const waiter of acquisitions) {
    const id = idOf(waiter);
    const answer = draft.acquire(waiter);
    answers.set(id, answer);
    if (answer === 'held' || draft.waiters.has(id)) continue;
    const isDeferred = isOfKey(answer) && deferring.has(id);
    if (isDeferred ? !draft.mayBeFirst(waiter) : waiting >= mayWait) continue;
    if (!isDeferred) waiting++;
    draft.waiters.set(id, waiter);
  }
  return answers;
}

class Draft {
  readonly holders: Map<string, Attempt>;
  readonly waiters: Map<string, Waiter>;
  readonly #heldByKey = new Map<string, number>();
  readonly #buckets: TokenBuckets;
  readonly #now: number;
  /** The attempts that keep their slots for the next attempt of their invocation. */
  readonly #kept = new Map<string, Attempt>();
  #slots = 0;
  /** A waiter waits for the total. Nobody after it gets a slot. */
  #isHeldUp = false;
  /** A refused acquisition. Slots and tokens only become fewer while acquisitions are answered, and a worker may have a hundred equal ones. */
  #refused: { waiter: Waiter; answer: Answer } | undefined;

  constructor(entry: LedgerEntry, now: number) {
    this.holders = new Map(entry.holders.map((one) => [idOf(one), one]));
    this.waiters = new Map(entry.waiters.map((one) => [idOf(one), one]));
    this.#buckets = new TokenBuckets(entry, now);
    this.#now = now;
    for (const one of this.holders.values()) {
      this.#count(one, 1);
      if (one.fifo === 'hold') this.#kept.set(`${one.function}/${one.invocation}`, one);
    }
  }

  get entry(): LedgerEntry {
    const { written: buckets } = this.#buckets;
    const named = { holders: [...this.holders.values()], waiters: [...this.waiters.values()] };
    return buckets === undefined ? named : { ...named, buckets };
  }

  start(attempt: Attempt): void {
    const id = idOf(attempt);
    const held = this.holders.get(id);
    if (held?.rate === undefined) return;
    const { rate, isSlotless, ...started } = held;
    this.#buckets.use({ rate, key: started.key });
    if (isSlotless) this.holders.delete(id);
    else this.holders.set(id, started);
  }

  /** The attempt may have started, so it uses its token. */
  release(attempt: Attempt): void {
    const id = idOf(attempt);
    this.start(attempt);
    const held = this.holders.get(id);
    if (held !== undefined) this.#count(held, -1);
    this.holders.delete(id);
    this.waiters.delete(id);
  }

  /** Adds a waiter. In the order of the log, it comes before the attempts of its key whose requests are later (SLOT7). */
  wait(waiter: Waiter): void {
    const id = idOf(waiter);
    if (this.holders.has(id)) return;
    const isKnown = this.waiters.has(id);
    this.waiters.set(id, waiter);
    if (waiter.fifo === undefined || isKnown) return;
    for (const [other, one] of [...this.waiters]) {
      if (!isLaterInQueue(one, waiter)) continue;
      this.waiters.delete(other);
      this.waiters.set(other, one);
    }
  }

  /** Sorts the waiters of each key that have ranks. The others keep their places. */
  sortRanked(): void {
    const queues = new Map<string, Waiter[]>();
    const all = [...this.waiters.values()];
    for (const one of all) if (one.rank !== undefined) queues.set(one.key, [...(queues.get(one.key) ?? []), one]);
    for (const queue of queues.values()) queue.sort(compareRanks).reverse();
    this.waiters.clear();
    for (const one of all) {
      const next = (one.rank === undefined ? undefined : queues.get(one.key)?.pop()) ?? one;
      this.waiters.set(idOf(next), next);
    }
  }

  hold({ key, function: name, invocation, attempt, request, fifo, rate, ...limits }: Attempt & Partial<Waiter>): void {
    const named = { key, function: name, invocation, attempt, request, ...(fifo === undefined ? {} : { fifo }) };
    const id = idOf(named);
    this.waiters.delete(id);
    if (this.holders.has(id)) return;
    const held = rate === undefined ? named : { ...named, rate, ...(takesSlot({ ...limits, rate }) ? {} : { isSlotless: true }) };
    this.holders.set(id, held);
    this.#count(held, 1);
    if (rate !== undefined) this.#buckets.hold({ rate, key });
  }

  grant(): void {
    for (const waiter of [...this.waiters.values()]) {
      const answer = this.#takesOver(waiter) ? 'held' : this.#limitOf(waiter);
      if (answer === 'held') this.hold(waiter);
      else if (answer === 'full') this.#isHeldUp = true;
    }
  }

  acquire(waiter: Waiter): Answer {
    const id = idOf(waiter);
    if (this.holders.has(id)) return 'held';
    if (this.#takesOver(waiter)) {
      this.hold(waiter);
      return 'held';
    }
    if (waiter.fifo !== undefined) return 'key-full';
    if (this.#refused !== undefined && needsSame(waiter, this.#refused.waiter)) return this.#refused.answer;
    const answer = this.#answerTo(waiter, id);
    if (answer === 'held') this.hold(waiter);
    else this.#refused = { waiter, answer };
    return answer;
  }

  #answerTo(waiter: Waiter, id: string): Answer {
    const answer = this.#limitOf(waiter);
    if (isOfKey(answer)) return answer;
    const { perKey, rank, rate } = waiter;
    if ((perKey !== undefined || rank !== undefined) && this.#hasOtherWaiter(waiter.key, id)) return 'key-full';
    // An attempt that waits in a worker keeps the worker from taking the items of attempts that waited in the log for a token, and have one now.
    // With priorities, an attempt that waits in a worker would have no place among the others.
    return answer === 'full' && (rate !== undefined || rank !== undefined) ? 'key-full' : answer;
  }

  /** Whether an attempt whose key is full, or has no token, is the first one of its key in the entry. */
  mayBeFirst({ key, fifo }: Waiter): boolean {
    if (fifo !== undefined || this.waiters.size >= MANY_WAITERS) return false;
    for (const waiter of this.waiters.values()) if (waiter.key === key) return false;
    return true;
  }

  /** Ends the slot that an earlier attempt of the invocation kept. The next attempt has it, unless it needs more. */
  #takesOver({ key, function: name, invocation, attempt, rate }: Waiter): boolean {
    if (this.#kept.size === 0) return false;
    const kept = this.#kept.get(`${name}/${invocation}`);
    if (kept === undefined || kept.attempt >= attempt || !this.holders.has(idOf(kept))) return false;
    this.release(kept);
    this.#refused = undefined;
    return kept.key === key && rate === undefined;
  }

  #limitOf({ key, perKey, total, rate }: Waiter): Answer {
    if (perKey !== undefined && (this.#heldByKey.get(key) ?? 0) >= perKey) return 'key-full';
    const dueAt = rate === undefined ? this.#now : this.#buckets.nextAt({ rate, key });
    if (dueAt > this.#now) return { dueAt };
    if (!takesSlot({ perKey, total, rate })) return 'held';
    return this.#isHeldUp || (total !== undefined && this.#slots >= total) ? 'full' : 'held';
  }

  #hasOtherWaiter(key: string, id: string): boolean {
    for (const [other, waiter] of this.waiters) if (waiter.key === key && other !== id) return true;
    return false;
  }

  #count({ key, isSlotless }: Attempt, by: number): void {
    if (isSlotless) return;
    this.#slots += by;
    this.#heldByKey.set(key, (this.#heldByKey.get(key) ?? 0) + by);
  }
}

/** Attempts of one rank are in the order of the log. */
function compareRanks(one: Waiter, other: Waiter): number {
  const byRank = (one.rank ?? 0) - (other.rank ?? 0) || one.request - other.request;
  return byRank || (one.invocation < other.invocation ? -1 : 1);
}

/** Whether two attempts have the same answer when neither of them has a slot. */
function needsSame(one: Waiter, other: Waiter): boolean {
  const hasSameLimits = one.perKey === other.perKey && one.total === other.total && one.rate === other.rate;
  return hasSameLimits && one.key === other.key && (one.rank === undefined) === (other.rank === undefined);
}

/** An attempt of a function with a rate alone takes no slot. */
export function takesSlot({ perKey, total, rate }: Pick<Waiter, 'perKey' | 'total' | 'rate'>): boolean {
  return rate === undefined || perKey !== undefined || total !== undefined;
}

/** Whether an attempt of the same key and function comes later in the order of the log. The ids of one message follow each other. */
function isLaterInQueue(one: Attempt, than: Attempt): boolean {
  if (one.key !== than.key || one.function !== than.function) return false;
  return one.request > than.request || (one.request === than.request && one.invocation > than.invocation);
}
