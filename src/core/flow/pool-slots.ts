import { ConflictError, messageOf } from '#src/core/errors.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { type Answer, type Change, changeEntry, idOf, isOfKey, type NoToken } from './change-entry.ts';
import { type Attempt, decodeLedgerEntry, encodeLedgerEntry, entryKeyOf, type LedgerEntry, NO_SLOTS, type Waiter } from './ledger-entry.ts';
import { mayWaitOf } from './may-wait.ts';
import { gatherInMs } from './token-buckets.ts';

/** `changed`: the flow of the function may have changed, so the caller decides again. `closed`: the process stops. */
export type Acquired = 'held' | 'key-full' | NoToken | 'changed' | 'closed';

export type PoolSlotsOptions = {
  store: KeyValue;
  clock: Clock;
  logger: Logger;
  /** Changes whenever the log, and with it the ledger, may have gone backwards (LINK4). */
  epoch: () => number;
  /** What else a write changes, decided from the entry that the write replaces. */
  plan?: (pool: PoolId, entry: LedgerEntry) => Pick<Change, 'waits' | 'withdrawals'>;
  /** Called with every entry that was written or watched. */
  onEntry?: (pool: PoolId, text: string | undefined, revision: number) => void;
};

/**
 * Whether an attempt may wait in the log when its key is full, or has no token. `again`: the log says already that it waits. A full key is then believed only
 * of an entry that is read after the call, because the attempt may just have got its slot.
 */
export type Deferral = 'no' | 'first' | 'again';

type Acquisition = { waiter: Waiter; deferral: Deferral; needsRead: boolean; isWaiting: boolean; resolve: (acquired: Acquired) => void };

const FIRST_PAUSE_IN_MS = 50;
const LAST_PAUSE_IN_MS = 1_000;
const GATHER_TOKENS_FOR_MS = 50;
/** Starts that follow each other within this time use their tokens in one write. Their tokens are held until then, so nothing is lost. */
const GATHER_STARTS_FOR_MS = 20;
/** The process of the next waiter writes first. The others follow by so much for each place, because that process may be dead. */
const WAKES_LATER_MS = 2;
const SHORTEST_SLEEP_IN_MS = 5;
const LONGEST_SLEEP_IN_MS = 1_000;

/**
 * The slots of one pool, as one process acquires and releases them.
 *
 * - One write is in flight at most. All acquisitions and releases that arrive meanwhile share the next write: group commit without a timer.
 *   A slot that is released here passes to the next waiter in the same write.
 * - A write that is refused or unknown is decided again from the entry that is read then (A1). A change that was stored already changes
 *   nothing the second time.
 * - Few of the attempts that wait here are waiters of the entry (SLOT5). The others wait in memory.
 * - When a token is back, the process of the next waiter writes, so that the processes do not refuse each other's writes.
 */
export class PoolSlots {
  readonly #pool: PoolId;
  readonly #options: PoolSlotsOptions;
  readonly #acquisitions = new Map<string, Acquisition>();
  readonly #releases = new Map<string, Attempt>();
  readonly #starts = new Map<string, Attempt>();
  readonly #withdrawals = new Map<string, Attempt>();
  readonly #held = new Map<string, Attempt>();
  #known: { text: string | undefined; revision: number } | undefined;
  #epoch: number;
  #isAsked = false;
  #settling: Promise<void> | undefined;
  #isSleeping = false;
  #isGathering = false;
  #isClosed = false;

  constructor(pool: PoolId, options: PoolSlotsOptions) {
    this.#pool = pool;
    this.#options = options;
    this.#epoch = options.epoch();
  }

  /** Resolves to `held` when the ledger holds the slot and the token (SLOT1). A full key, and a missing token, end the wait of an attempt that may wait in the log. */
  acquire(waiter: Waiter, deferral: Deferral): Promise<Acquired> {
    if (this.#isClosed) return Promise.resolve('closed');
    this.#withdrawals.delete(idOf(waiter));
    return new Promise((resolve) => {
      this.#acquisitions.set(idOf(waiter), { waiter, deferral, needsRead: deferral === 'again', isWaiting: false, resolve });
      this.#settle();
    });
  }

  /** Decides again what the entry needs. */
  planAgain(): void {
    this.#settle();
  }

  /** The attempt started by the log, so it uses its token (RATE2). */
  start(waiter: Waiter): void {
    const id = idOf(waiter);
    const { rate: _, ...held } = waiter;
    if (held.perKey === undefined && held.total === undefined) this.#held.delete(id);
    else if (this.#held.has(id)) this.#held.set(id, held);
    this.#starts.set(id, waiter);
    void this.#settleSoon();
  }

  async #settleSoon(): Promise<void> {
    if (this.#isGathering) return;
    this.#isGathering = true;
    await this.#options.clock.sleep(GATHER_STARTS_FOR_MS);
    this.#isGathering = false;
    if (this.#starts.size > 0) this.#settle();
  }

  /** Frees the slot of an attempt that is over by the log (SLOT3). */
  release(attempt: Attempt): void {
    this.#held.delete(idOf(attempt));
    this.#releases.set(idOf(attempt), attempt);
    this.#settle();
  }

  /** The attempt is no longer executed here. The log does not say that it is over, so it keeps its slot. */
  leave(attempt: Attempt): void {
    this.#held.delete(idOf(attempt));
  }

  /** Ends the waits of a function. */
  endWaits(functionName: string, acquired: Acquired): void {
    for (const [id, { waiter, resolve }] of this.#acquisitions) {
      if (waiter.function !== functionName) continue;
      this.#acquisitions.delete(id);
      this.#withdrawals.set(id, waiter);
      resolve(acquired);
    }
    this.#settle();
  }

  /** How many acquisitions of a function have no answer yet, and how many of them wait for a slot that was not free. */
  pendingOf(functionName: string): { acquiring: number; waiting: number } {
    let [acquiring, waiting] = [0, 0];
    for (const { waiter, isWaiting } of this.#acquisitions.values()) {
      if (waiter.function !== functionName) continue;
      acquiring++;
      if (isWaiting) waiting++;
    }
    return { acquiring, waiting };
  }

  /** Takes over a change of the entry. Without a value, the bucket was created again. */
  note(revision: number, text: string | undefined): void {
    if (text === undefined) this.#known = undefined;
    else if (!this.#adopt(revision, text)) return;
    if (this.#acquisitions.size > 0) this.#settle();
  }

  #adopt(revision: number, text: string): boolean {
    if (revision <= (this.#known?.revision ?? -1)) return false;
    this.#known = { text, revision };
    return true;
  }

  /** Reads the entry again when attempts wait, because a watcher may be late, and after the log went backwards. */
  refresh(): void {
    const mayBeLost = this.#held.size > 0 && this.#options.epoch() !== this.#epoch;
    if (this.#acquisitions.size === 0 && !mayBeLost) return;
    this.#known = undefined;
    this.#settle();
  }

  /** Resolves when everything was written that was to be written, or a write fails. Later waits end at once. */
  async close(): Promise<void> {
    if (this.#starts.size > 0) this.#settle();
    this.#isClosed = true;
    await this.#settling;
  }

  #settle(): void {
    this.#isAsked = true;
    this.#settling ??= this.#settleAll().finally(() => {
      this.#settling = undefined;
      if (this.#isAsked && !this.#isClosed) this.#settle();
    });
  }

  async #settleAll(): Promise<void> {
    let pauseInMs = FIRST_PAUSE_IN_MS;
    while (this.#isAsked) {
      this.#isAsked = false;
      try {
        await this.#write();
        pauseInMs = FIRST_PAUSE_IN_MS;
      } catch (error) {
        this.#isAsked = true;
        this.#known = undefined;
        if (error instanceof ConflictError) continue;
        const { logger, clock } = this.#options;
        logger.warn({ pool: this.#pool, error: messageOf(error) }, 'the ledger of slots could not be written');
        if (this.#isClosed) return;
        await clock.sleep(pauseInMs);
        pauseInMs = Math.min(pauseInMs * 2, LAST_PAUSE_IN_MS);
      }
    }
  }

  async #write(): Promise<void> {
    const { store, epoch } = this.#options;
    const key = entryKeyOf(this.#pool);
    const present = epoch();
    const { text, revision } = await this.#knownEntry(key);
    const before = decodeLedgerEntry(text);
    const change = this.#changeOf(before, present !== this.#epoch);
    const { entry, answers } = changeEntry(before, change);
    const next = encodeLedgerEntry(entry);
    if (next !== (text ?? encodeLedgerEntry(NO_SLOTS))) {
      const written = await store.put(key, next, revision);
      if (this.#adopt(written, next)) this.#options.onEntry?.(this.#pool, next, written);
    }
    this.#epoch = present;
    for (const one of change.starts) this.#starts.delete(idOf(one));
    for (const one of change.releases) this.#releases.delete(idOf(one));
    for (const one of change.withdrawals) this.#withdrawals.delete(idOf(one));
    this.#answer(answers, entry);
  }

  /** The entry as this process knows it, or as the store has it now when an acquisition needs that. */
  async #knownEntry(key: string): Promise<{ text: string | undefined; revision: number }> {
    const needing = [...this.#acquisitions.values()].filter(({ needsRead }) => needsRead);
    if (needing.length > 0) this.#known = undefined;
    const known = this.#known ?? (await this.#read(key));
    // A watcher may have brought a newer entry meanwhile.
    if (this.#known === undefined || known.revision > this.#known.revision) this.#known = known;
    for (const acquisition of needing) acquisition.needsRead = false;
    return this.#known;
  }

  async #read(key: string): Promise<{ text: string | undefined; revision: number }> {
    const entry = await this.#options.store.get(key);
    return { text: entry?.value, revision: entry?.revision ?? 0 };
  }

  #changeOf(entry: LedgerEntry, hasGoneBack: boolean): Change & Required<Pick<Change, 'starts' | 'releases' | 'withdrawals'>> {
    const { waits = [], withdrawals = [] } = this.#options.plan?.(this.#pool, entry) ?? {};
    const acquisitions = [...this.#acquisitions];
    return {
      now: this.#options.clock.now(),
      starts: [...this.#starts.values()],
      releases: [...this.#releases.values()],
      withdrawals: [...this.#withdrawals.values(), ...withdrawals],
      running: hasGoneBack ? [...this.#held.values()] : [],
      waits,
      acquisitions: acquisitions.map(([, { waiter }]) => waiter),
      mayWait: mayWaitOf(this.#acquisitions, entry.waiters),
      deferring: new Set(acquisitions.flatMap(([id, { deferral }]) => (deferral === 'no' ? [] : [id]))),
    };
  }

  /** Writes again when the next token is back, for the attempts that wait here. Tokens that come back soon after it are given with it. */
  async #wakeForToken({ rate }: Waiter, { dueAt }: NoToken, place: number): Promise<void> {
    if (this.#isSleeping || rate === undefined) return;
    this.#isSleeping = true;
    const { clock } = this.#options;
    const sleepInMs = dueAt - clock.now() + gatherInMs(rate, GATHER_TOKENS_FOR_MS) + place * WAKES_LATER_MS;
    // A changed flow may need less.
    await clock.sleep(Math.min(Math.max(sleepInMs, SHORTEST_SLEEP_IN_MS), LONGEST_SLEEP_IN_MS));
    this.#isSleeping = false;
    if (!this.#isClosed && this.#acquisitions.size > 0) this.#settle();
  }

  /** Whether an acquisition waits here with this answer. */
  #waitsOn(acquisition: Acquisition, answer: Answer, place: number): answer is 'full' {
    const isFull = answer === 'full' || (isOfKey(answer) && acquisition.deferral === 'no');
    acquisition.isWaiting ||= isFull;
    if (isFull && typeof answer === 'object') void this.#wakeForToken(acquisition.waiter, answer, place);
    return isFull || (isOfKey(answer) && acquisition.needsRead);
  }

  #answer(answers: ReadonlyMap<string, Answer>, { waiters }: LedgerEntry): void {
    const first = waiters.findIndex((one) => answers.has(idOf(one)));
    const place = first === -1 ? waiters.length : first;
    for (const [id, answer] of answers) {
      const acquisition = this.#acquisitions.get(id);
      if (acquisition === undefined) continue;
      if (this.#waitsOn(acquisition, answer, place)) continue;
      this.#acquisitions.delete(id);
      if (answer === 'held') this.#held.set(id, acquisition.waiter);
      acquisition.resolve(answer);
    }
  }
}
