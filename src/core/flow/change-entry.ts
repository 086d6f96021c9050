import type { Attempt, LedgerEntry, Waiter } from './ledger-entry.ts';

/** What one process wants of an entry, all in one write. */
export type Change = {
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

/** `key-full`: all slots of the key are taken, or other attempts wait for them. `full`: all slots are. */
export type Answer = 'held' | 'key-full' | 'full';

/** What an attempt is called in maps. */
export function idOf({ function: name, invocation, attempt }: Pick<Attempt, 'function' | 'invocation' | 'attempt'>): string {
  return `${name}/${invocation}/${attempt}`;
}

/**
 * Applies a change to an entry. Pure.
 *
 * - An attempt gets a slot only when the limits of its function hold after it (SLOT2). Freed slots go to the waiters first, in their order.
 * - A waiter that finds all slots of its key taken holds up only its key. One that finds all slots of the pool taken holds up everybody,
 *   because functions with a higher limit would otherwise take every slot before it (SLOT5).
 */
export function changeEntry(entry: LedgerEntry, change: Change): { entry: LedgerEntry; answers: ReadonlyMap<string, Answer> } {
  const { releases = [], withdrawals = [], running = [], waits = [], acquisitions = [] } = change;
  const draft = new Draft(entry);
  for (const attempt of releases) draft.release(attempt);
  for (const attempt of withdrawals) draft.waiters.delete(idOf(attempt));
  for (const attempt of running) draft.hold(attempt);
  for (const waiter of waits) if (!draft.holders.has(idOf(waiter))) draft.waiters.set(idOf(waiter), waiter);
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
    const isDeferred = answer === 'key-full' && deferring.has(id);
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
  /** A waiter waits for the total. Nobody after it gets a slot. */
  #isHeldUp = false;

  constructor({ holders, waiters }: LedgerEntry) {
    this.holders = new Map(holders.map((one) => [idOf(one), one]));
    this.waiters = new Map(waiters.map((one) => [idOf(one), one]));
    for (const { key } of this.holders.values()) this.#count(key, 1);
  }

  get entry(): LedgerEntry {
    return { holders: [...this.holders.values()], waiters: [...this.waiters.values()] };
  }

  release(attempt: Attempt): void {
    const id = idOf(attempt);
    const held = this.holders.get(id);
    if (held !== undefined) this.#count(held.key, -1);
    this.holders.delete(id);
    this.waiters.delete(id);
  }

  hold({ key, function: name, invocation, attempt, request }: Attempt): void {
    const held = { key, function: name, invocation, attempt, request };
    const id = idOf(held);
    this.waiters.delete(id);
    if (this.holders.has(id)) return;
    this.holders.set(id, held);
    this.#count(key, 1);
  }

  grant(): void {
    for (const waiter of [...this.waiters.values()]) {
      const answer = this.#limitOf(waiter);
      if (answer === 'held') this.hold(waiter);
      else if (answer === 'full') this.#isHeldUp = true;
    }
  }

  acquire(waiter: Waiter): Answer {
    const id = idOf(waiter);
    if (this.holders.has(id)) return 'held';
    if (waiter.perKey !== undefined && this.#hasOtherWaiter(waiter.key, id)) return 'key-full';
    const answer = this.#limitOf(waiter);
    if (answer === 'held') this.hold(waiter);
    return answer;
  }

  /** Whether an attempt whose key is full is the first one of its key in the entry. */
  mayBeFirst({ key }: Waiter): boolean {
    if (this.waiters.size >= MANY_WAITERS) return false;
    for (const waiter of this.waiters.values()) if (waiter.key === key) return false;
    return true;
  }

  #limitOf({ key, perKey, total }: Waiter): Answer {
    if (perKey !== undefined && (this.#heldByKey.get(key) ?? 0) >= perKey) return 'key-full';
    return this.#isHeldUp || (total !== undefined && this.holders.size >= total) ? 'full' : 'held';
  }

  #hasOtherWaiter(key: string, id: string): boolean {
    for (const [other, waiter] of this.waiters) if (waiter.key === key && other !== id) return true;
    return false;
  }

  #count(key: string, by: number): void {
    this.#heldByKey.set(key, (this.#heldByKey.get(key) ?? 0) + by);
  }
}
