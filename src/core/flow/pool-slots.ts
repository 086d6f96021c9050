import { ConflictError, messageOf } from '#src/core/errors.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { changeEntry } from './change-entry.ts';
import { type Acquired, attemptIdOf, type Change, type Changed, heldOf, refusalOf } from './entry-change.ts';
import {
  type Attempt,
  decodeLedgerEntry,
  encodeLedgerEntry,
  entryKeyOf,
  type LedgerEntry,
  type Spilled,
  type Waiter,
} from './ledger-entry.ts';
import { type ExecutionSlotOwner, PoolExecutionSlots } from './pool-execution-slots.ts';
import { SpilledBuckets, type SpillRoom } from './spilled-buckets.ts';

export type PoolSlotsOptions = {
  store: KeyValue;
  clock: Clock;
  logger: Logger;
  /** Changes whenever the log, and with it the ledger, may have gone backwards (LINK4). */
  epoch: () => number;
  /** What else a write changes, decided from the entry that the write replaces. */
  plan?: (pool: PoolId, entry: LedgerEntry, spilled: Spilled) => Pick<Change, 'waits' | 'withdrawals'>;
  /** What all pools of this process have beside their entries. */
  room: SpillRoom;
  /** Called with every entry that was written, read or watched. */
  onEntry?: (pool: PoolId, entry: LedgerEntry, revision: number) => void;
};

type Acquisition = { waiter: Waiter; needsRead: boolean; resolve: (acquired: Acquired) => void };
type StoredEntry = { entry: LedgerEntry; revision: number };

const FIRST_PAUSE_IN_MS = 50;
const LAST_PAUSE_IN_MS = 1_000;
/** Starts that follow each other within this time use their tokens in one write. Their tokens are held until then, so nothing is lost. */
const GATHER_STARTS_FOR_MS = 20;
const SHORTEST_SLEEP_IN_MS = 5;
const LONGEST_SLEEP_IN_MS = 1_000;

/**
 * The slots of one pool, as one process acquires, grants and releases them.
 *
 * - One write is in flight at most. All that arrives meanwhile shares the next write: group commit without a timer. A slot that is released
 *   here passes to the next waiter in the same write, and the worker that released it starts the waiter.
 * - A write that is refused or unknown is decided again from the entry that is read then (A1). A change that was stored already changes
 *   nothing the second time.
 * - No attempt waits here: one that finds no slot gets a refusal, and waits in the log (SLOT6).
 */
export class PoolSlots {
  readonly #pool: PoolId;
  readonly #options: PoolSlotsOptions;
  readonly #acquisitions = new Map<string, Acquisition>();
  readonly #releases = new Map<string, Attempt>();
  readonly #starts = new Map<string, Attempt>();
  readonly #held = new Map<string, Attempt>();
  readonly #places: PoolExecutionSlots;
  readonly #spilled: SpilledBuckets;
  #known: StoredEntry | undefined;
  /** Waiters that got their slots by a write without an answer. */
  #maybeGranted: readonly Waiter[] = [];
  #epoch: number;
  #isAsked = false;
  #settling: Promise<void> | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;
  #isGathering = false;
  #isClosed = false;

  constructor(pool: PoolId, options: PoolSlotsOptions) {
    this.#pool = pool;
    this.#options = options;
    this.#epoch = options.epoch();
    this.#spilled = new SpilledBuckets(pool, options.store, options.room);
    this.#places = new PoolExecutionSlots(() => this.#settle());
  }

  /** Gives slots to the waiters of a function while its worker has places (SLOT5). */
  serve(owner: ExecutionSlotOwner): void {
    this.#places.add(owner);
    this.#settle();
  }

  /** The worker of a function starts no further attempt. */
  endService(functionName: string): void {
    this.#places.remove(functionName);
    for (const [id, { waiter, resolve }] of this.#acquisitions) {
      if (waiter.function !== functionName) continue;
      this.#acquisitions.delete(id);
      resolve('closed');
    }
  }

  /**
   * Asks for a slot and a token, for an attempt that has a place in its worker. Resolves to `held` when the ledger holds them (SLOT1).
   *
   * `isAgain`: the log says already that the attempt waits. A refusal is then believed only of an entry that is read after the call, because the
   * attempt may just have got its slot.
   */
  acquire(waiter: Waiter, isAgain: boolean): Promise<Acquired> {
    if (this.#isClosed) return Promise.resolve('closed');
    return new Promise((resolve) => {
      this.#acquisitions.set(attemptIdOf(waiter), { waiter, needsRead: isAgain, resolve });
      this.#settle();
    });
  }

  /** Decides again what the entry needs. */
  decideAgain(): void {
    this.#settle();
  }

  /** The attempt started by the log, so it uses its token (RATE2). */
  start(attempt: Attempt): void {
    const id = attemptIdOf(attempt);
    const { rate: _, ...started } = heldOf(attempt);
    if (this.#held.has(id)) this.#held.set(id, started);
    this.#starts.set(id, attempt);
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
    this.#held.delete(attemptIdOf(attempt));
    this.#releases.set(attemptIdOf(attempt), attempt);
    this.#settle();
  }

  /** The attempt is no longer executed here. The log does not say that it is over, so it keeps its slot. */
  leave(attempt: Attempt): void {
    this.#held.delete(attemptIdOf(attempt));
  }

  /** Takes over a change of the entry. Without an entry, the bucket was created again. */
  applyRead(revision: number, entry: LedgerEntry | undefined): void {
    if (entry === undefined) this.#known = undefined;
    else if (revision <= (this.#known?.revision ?? -1)) return;
    else this.#known = { entry, revision };
    this.#spilled.keepNamed(entry ?? {}, this.#options.clock.now());
    if (this.#acquisitions.size > 0 || (this.#places.hasOwners && entry !== undefined && entry.waiters.length > 0)) this.#settle();
  }

  /** Reads the entry again while attempts wait or hold slots here, because a watcher may be late, and the log may have gone backwards. */
  refresh(): void {
    const mayBeLost = this.#held.size > 0 && this.#options.epoch() !== this.#epoch;
    const hasWaiters = this.#places.hasOwners && (this.#known?.entry.waiters.length ?? 0) > 0;
    if (this.#acquisitions.size === 0 && !mayBeLost && !hasWaiters) return;
    this.#known = undefined;
    this.#settle();
  }

  /** Resolves when everything was written that was to be written, or a write fails. */
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
        if (error instanceof ConflictError) continue;
        this.#known = undefined;
        const { logger, clock } = this.#options;
        logger.warn({ pool: this.#pool, error: messageOf(error) }, 'the ledger of slots could not be written');
        if (this.#isClosed) return;
        await clock.sleep(pauseInMs);
        pauseInMs = Math.min(pauseInMs * 2, LAST_PAUSE_IN_MS);
      }
    }
  }

  async #write(): Promise<void> {
    const { epoch } = this.#options;
    const present = epoch();
    const before = await this.#knownEntry();
    await this.#spilled.load(before.entry, this.#options.clock.now());
    // A newer entry, or a refresh, came while the spills were read.
    if (this.#known !== before) return this.decideAgain();
    const change = this.#changeOf(before.entry, present !== this.#epoch);
    const changed = changeEntry(before.entry, change);
    try {
      if (changed.entry !== before.entry) await this.#store(changed.entry, before.revision);
    } catch (error) {
      if (!(error instanceof ConflictError)) this.#maybeGranted = [...this.#maybeGranted, ...changed.granted];
      // Mostly, the watch brought the entry that another process wrote before the answer came.
      else if (this.#known?.revision === before.revision) this.#known = undefined;
      this.#places.releaseTaken();
      throw error;
    }
    this.#epoch = present;
    for (const one of change.starts) this.#starts.delete(attemptIdOf(one));
    for (const one of change.releases) this.#releases.delete(attemptIdOf(one));
    this.#answer(changed);
    this.#startGranted(changed, before.entry);
    this.#places.settle(changed.lacking, { isLast: !this.#isAsked });
    this.#wakeAt(changed.nextAt);
  }

  async #store(changed: LedgerEntry, revision: number): Promise<void> {
    const { store, clock } = this.#options;
    const put = (entry: LedgerEntry): Promise<number> => store.put(entryKeyOf(this.#pool), encodeLedgerEntry(entry), revision);
    const { entry, written } = await this.#spilled.write(changed, clock.now(), put);
    if (written <= (this.#known?.revision ?? -1)) return;
    this.#known = { entry, revision: written };
    this.#options.onEntry?.(this.#pool, entry, written);
  }

  /** The entry as this process knows it, or as the store has it now when an acquisition needs that. */
  async #knownEntry(): Promise<StoredEntry> {
    const needing = [...this.#acquisitions.values()].filter(({ needsRead }) => needsRead);
    if (needing.length > 0) this.#known = undefined;
    const known = this.#known ?? (await this.#read());
    // A watcher may have brought a newer entry meanwhile.
    if (this.#known === undefined || known.revision > this.#known.revision) this.#takeOver(known);
    for (const acquisition of needing) acquisition.needsRead = false;
    return this.#known ?? known;
  }

  /**
   * Reports an entry that was read, before anything is planned by it. The watch of a busy process skips entries that were replaced, and a plan that
   * found a key held would otherwise never hear that the key is free.
   */
  #takeOver(read: StoredEntry): void {
    this.#known = read;
    if (read.revision > 0) this.#options.onEntry?.(this.#pool, read.entry, read.revision);
  }

  async #read(): Promise<StoredEntry> {
    const found = await this.#options.store.get(entryKeyOf(this.#pool));
    return { entry: decodeLedgerEntry(found?.value), revision: found?.revision ?? 0 };
  }

  #changeOf(entry: LedgerEntry, hasGoneBack: boolean): Change & Required<Pick<Change, 'starts' | 'releases'>> {
    const { waits = [], withdrawals = [] } = this.#options.plan?.(this.#pool, entry, this.#spilled) ?? {};
    return {
      now: this.#options.clock.now(),
      spilled: this.#spilled,
      starts: [...this.#starts.values()],
      releases: [...this.#releases.values()],
      withdrawals,
      running: hasGoneBack ? [...this.#held.values()] : [],
      waits,
      acquisitions: [...this.#acquisitions.values()].flatMap(({ waiter, needsRead }) => (needsRead ? [] : [waiter])),
      ...(this.#places.hasOwners && !this.#isClosed ? { places: this.#places } : {}),
    };
  }

  #answer({ answers, borrowed }: Changed): void {
    const given = new Map(borrowed);
    for (const [id, answer] of answers) {
      const acquisition = this.#acquisitions.get(id);
      // The worker of the function stopped meanwhile, and released the place.
      if (acquisition === undefined) continue;
      const { waiter, resolve } = acquisition;
      this.#acquisitions.delete(id);
      if (answer === 'held') this.#held.set(id, heldOf(waiter));
      const left = given.get(waiter.function) ?? 0;
      if (answer !== 'held') given.set(waiter.function, left - 1);
      resolve(answer === 'held' ? 'held' : { refusal: refusalOf(answer), isPlaceGiven: left > 0 });
    }
  }

  #startGranted({ granted }: Changed, { holders }: LedgerEntry): void {
    for (const waiter of granted) this.#startOne(waiter);
    if (this.#maybeGranted.length === 0) return;
    const held = new Set(holders.map(attemptIdOf));
    for (const waiter of this.#maybeGranted)
      if (held.has(attemptIdOf(waiter)) && this.#places.take(waiter.function)) this.#startOne(waiter);
    this.#maybeGranted = [];
  }

  #startOne(waiter: Waiter): void {
    this.#held.set(attemptIdOf(waiter), heldOf(waiter));
    this.#places.start(this.#pool, waiter);
  }

  /** Decides again at a time. */
  #wakeAt(at: number): void {
    if (at === Number.POSITIVE_INFINITY || at >= this.#wakesAt) return;
    this.#wakesAt = at;
    const { clock } = this.#options;
    const sleepInMs = Math.min(Math.max(at - clock.now(), SHORTEST_SLEEP_IN_MS), LONGEST_SLEEP_IN_MS);
    void clock.sleep(sleepInMs).then(() => {
      if (this.#wakesAt !== at) return;
      this.#wakesAt = Number.POSITIVE_INFINITY;
      if (!this.#isClosed) this.#settle();
    });
  }
}
