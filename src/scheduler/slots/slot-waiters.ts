import { attemptIdOf, type Change } from '#src/core/flow/entry-change.ts';
import type { Attempt, LedgerEntry, Spilled, Waiter } from '#src/core/flow/ledger-entry.ts';
import { gatherInMs, nextFullAt } from '#src/core/flow/token-buckets.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import { agingOf } from '#src/core/functions/priority.ts';
import type { RateText } from '#src/core/functions/rate.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';
import { KeyDelays, type KeyOfPool } from '#src/scheduler/waits/key-delays.ts';
import { attemptOf, type WaitingAttempt } from '#src/scheduler/waits/waiting-key.ts';
import type { WaitingPool } from '#src/scheduler/waits/waiting-pool.ts';
import type { WaitingStreams } from '#src/scheduler/waits/waiting-streams.ts';
import { ChangedDefinitions } from './changed-definitions.ts';
import { countEntry, type EntryCounts, leavingOf, queueIdOf, type ReadEntry, readEntryOf } from './entry-counts.ts';
import { nextInOrder, nextOfKept } from './next-in-order.ts';
import { ReadBegin } from './read-begin.ts';
import {
  aheadOf,
  countListed,
  hasRanks,
  inRounds,
  isNothing,
  MAX_WAITERS,
  NOTHING,
  PASSED,
  type Selection,
  selectByRank,
  shareOf,
} from './selection.ts';
import { changesOf, type Limits, limitsIn, rankIn, sharedTextOf } from './waiter-limits.ts';

/** How many keys get their turn in one plan of an entry, so that a plan takes a few milliseconds. The others follow in the next one. */
const MAX_TURNS = 256;
/** How many streams of a key whose flow was changed are woken at once. */
const MAX_MOVED = 32;
const CHECK_EVERY_MS = 1_000;
/** Tokens that come back within this time are given in one write. */
const GATHER_TOKENS_FOR_MS = 50;

type Options = Pick<SchedulerOptions, 'functions' | 'hints' | 'clock' | 'log' | 'patienceInMs'> & {
  waiting: () => WaitingStreams;
  /** The sequence of the first request of a function of which the log does not say yet for which key it waits. */
  firstUnplaced: (name: FunctionName) => number;
  /** Has the entry of a pool planned and written again. */
  decideAgain: (pool: PoolId) => void;
  /** The sequence after the newest message of the log that was read. */
  next: () => number;
  takesWork: () => boolean;
};

/**
 * Lists the attempts that wait in the log in the entries of their pools, from which the workers give them slots (SLOT6).
 * - An entry has {@link MAX_WAITERS} waiters at most, put there by compare-and-set. A worker with a free place gives a waiter its slot, and starts
 *   it. When the worker dies before, `slot-checks.ts` wakes the stream.
 * - Keys get their turn one after another. Only a key for which something changed gets one, so a change costs the same for any number of keys.
 * - In the order of the log, an attempt is a waiter only when all earlier requests of its function have their place (SLOT7).
 * - With priorities, the waiters of a key are the most urgent ones that wait: less urgent ones leave the entry again (SLOT8).
 * - Streams of a function whose flow was removed or moved to another pool are woken, and decide again.
 *
 * Several schedulers may do the same: they read one log, and an attempt is in an entry once.
 */
export class SlotWaiters {
  readonly #options: Options;
  readonly #known = new Map<PoolId, ReadEntry>();
  /** The waiters that this process takes out of an entry for more urgent ones. They never had a slot. */
  readonly #replaced = new Map<PoolId, Set<string>>();
  /** The waiters of the last plan of an entry, with their queues. Its write may have been refused, because another process wrote before. */
  readonly #planned = new Map<PoolId, ReadonlyMap<string, string>>();
  readonly #definitions: ChangedDefinitions;
  readonly #delays: KeyDelays;
  readonly #begin: ReadBegin;
  #checkedAt = Number.NEGATIVE_INFINITY;

  constructor(options: Options) {
    this.#options = options;
    this.#delays = new KeyDelays(options.patienceInMs);
    this.#definitions = new ChangedDefinitions(options.functions);
    const onAnswer = (): void => {
      this.#checkedAt = Number.NEGATIVE_INFINITY;
    };
    this.#begin = new ReadBegin({ log: options.log, next: options.next, onAnswer });
  }

  /** When the waits are checked again; infinite when nothing waits. */
  get nextDueAt(): number {
    if (this.#definitions.isMarking) return this.#options.clock.now();
    const { nextAt } = this.#delays;
    return this.#options.waiting().pools.size === 0 ? nextAt : Math.min(nextAt, this.#checkedAt + CHECK_EVERY_MS);
  }

  /** Has planned again what became due, and what a changed definition concerns. */
  check(now: number): void {
    for (const { pool, waiting } of this.#delays.takeDue(now)) {
      if (waiting !== undefined) this.#poolOf(pool)?.markReady(waiting.id);
      this.#options.decideAgain(pool);
    }
    const isMarked = this.#definitions.markSome();
    if (!isMarked && now < this.#checkedAt + CHECK_EVERY_MS) return;
    this.#checkedAt = now;
    this.#delays.forgetLeft(now);
    // An earlier request may have got its place without a wait: it was cancelled, or is too old.
    for (const name of this.#delays.unplaced) this.#markPlaced(name);
    this.#definitions.find(this.#options.waiting().pools.values());
    this.#definitions.markSome();
    for (const [pool, waiting] of this.#options.waiting().pools) {
      if (waiting.readyCount > 0 || this.#known.get(pool)?.isWaitingForWorker) this.#options.decideAgain(pool);
    }
  }

  /** Takes over an entry. */
  readonly entryChanged = (pool: PoolId, entry: LedgerEntry | undefined): void => {
    const before = this.#known.get(pool)?.named;
    const read = readEntryOf(entry);
    if (read.named.size === 0) this.#known.delete(pool);
    else this.#known.set(pool, read);
    this.#noteChanges(pool, before ?? new Map(), read.named);
    const waiting = this.#poolOf(pool);
    if (waiting === undefined) this.#noteFull(pool, entry ?? {});
    else if (waiting.readyCount > 0) this.#options.decideAgain(pool);
  };

  /** The key of an attempt that left the entry, or got its slot, has room for another waiter. */
  #noteChanges(pool: PoolId, before: ReadEntry['named'], named: ReadEntry['named']): void {
    const now = this.#options.clock.now();
    const replaced = this.#replaced.get(pool);
    const waiting = this.#poolOf(pool);
    // Workers only remove waiters. A write that lists a waiter by its rank is by another scheduler, which replaced the waiters that it removed.
    const isListed = [...named].some(([id, { isRanked }]) => isRanked && !before.has(id));
    for (const [id, { key, isHolder, isRanked }] of before) {
      const present = named.get(id);
      if (present !== undefined && present.isHolder === isHolder) continue;
      if (present === undefined && !replaced?.delete(id) && !(isRanked && isListed)) this.#delays.noteLeft(id, now);
      waiting?.markKeyReady(key);
    }
  }

  /** An attempt begins to wait, or waits no longer. */
  readonly noteWait = (pool: PoolId, name: FunctionName): void => {
    this.#markPlaced(name);
    const known = this.#options.functions.get(name);
    this.#definitions.note(name, known);
    const flow = known?.definition.flow;
    // The entry is planned again when it has room.
    if (flow?.order !== 'priority' && (this.#known.get(pool)?.waiters ?? 0) >= MAX_WAITERS) return;
    this.#options.decideAgain(pool);
  };

  /** The keys are ready whose next request has no earlier one without a place any more (SLOT7). */
  #markPlaced(name: FunctionName): void {
    for (const { pool, waiting } of this.#delays.takePlaced(name, this.#options.firstUnplaced)) this.#poolOf(pool)?.markReady(waiting.id);
  }

  /** What an entry needs: the next attempts of the ready keys as waiters. */
  readonly plan = (pool: PoolId, entry: LedgerEntry, spilled?: Spilled): Pick<Change, 'waits' | 'withdrawals'> => {
    if (!this.#options.takesWork() || !this.#begin.isReached) return {};
    const waiting = this.#poolOf(pool);
    if (waiting === undefined) {
      this.#planned.delete(pool);
      this.#noteFull(pool, entry);
      return {};
    }
    const counts = countEntry(entry, this.#options.clock.now(), spilled);
    for (const [id, queue] of this.#planned.get(pool) ?? []) if (!counts.named.has(id)) waiting.markReady(queue);
    for (const { key } of counts.unstarted) waiting.markKeyReady(key);
    const turns = this.#takeTurns(waiting, pool, counts);
    const leaving = waiting.readyCount === 0 || entry.waiters.length < MAX_WAITERS ? [] : leavingOf(counts);
    const replaced = [...turns.flatMap(({ replaced: some = [] }) => some), ...leaving];
    const outgoing = new Set(replaced.map(attemptIdOf));
    this.#replaced.set(pool, outgoing);
    const added = [...turns.flatMap(({ instead = [] }) => instead), ...inRounds(turns, 'free'), ...inRounds(turns, 'ahead')];
    this.#planned.set(pool, new Map(added.map((one) => [attemptIdOf(one), queueIdOf(one.function, one.key)])));
    const findNext = (holder: Attempt): Attempt | undefined => this.#options.waiting().findNext(pool, holder);
    const known = { functions: this.#options.functions, waiting: this.#options.waiting() };
    const remaining = entry.waiters.filter((one) => !outgoing.has(attemptIdOf(one)));
    const { changed, withdrawals } = changesOf(pool, remaining, known);
    return {
      waits: [...nextOfKept(entry, findNext, this.#options.functions), ...added, ...changed],
      withdrawals: [...replaced, ...withdrawals],
    };
  };

  #takeTurns(waiting: WaitingPool, pool: PoolId, counts: EntryCounts): Selection[] {
    const turns: Selection[] = [];
    const unfinished: string[] = [];
    let listed = counts.named.size - counts.holders.size;
    // A more urgent attempt takes the place of a waiter also in a full entry.
    const isRanked = hasRanks(counts);
    const mayTake = (): boolean => listed < MAX_WAITERS || (isRanked && turns.length === 0);
    for (let count = Math.min(MAX_TURNS, waiting.readyCount); count > 0 && mayTake(); count--) {
      const key = waiting.takeReady();
      if (key === undefined) break;
      const turn = this.#turnOf({ pool, waiting: key }, counts) ?? PASSED;
      if (turn.leavesRoom) waiting.passOn(key);
      if (isNothing(turn)) continue;
      const taken = shareOf(turn, { listed, count });
      if (taken.free.length < turn.free.length) unfinished.push(key.id);
      listed += countListed(counts, key.key, taken);
      turns.push(taken);
    }
    this.#follow(unfinished, waiting, { pool, now: counts.now, isFull: listed >= MAX_WAITERS });
    return turns;
  }

  /** What a plan leaves to the next one. */
  #follow(
    unfinished: readonly string[],
    waiting: WaitingPool,
    { pool, now, isFull }: { pool: PoolId; now: number; isFull: boolean },
  ): void {
    for (const id of unfinished) waiting.markReady(id);
    if (waiting.readyCount > 0 && !isFull) this.#delays.scheduleAt(pool, now);
  }

  /** The attempts of a key that find a slot of it, and those that wait for the next ones; `undefined` when the function can take none. */
  #turnOf(key: KeyOfPool, counts: EntryCounts): Selection | undefined {
    const { pool, waiting } = key;
    const { named, now } = counts;
    const definition = this.#options.functions.get(waiting.function)?.definition;
    if (definition === undefined || definition.paused) return undefined;
    const isWanted = (place: WaitingAttempt): boolean =>
      !named.has(attemptIdOf(attemptOf(place))) && !this.#delays.hasLeft(key, place, now);
    const limits = limitsIn(pool, waiting.function, definition);
    if (limits === undefined) {
      this.#wakeMoved(key, waiting.first(MAX_MOVED, isWanted), now);
      return undefined;
    }
    waiting.orderBy(agingOf(definition.flow ?? {}));
    this.#poolOf(pool)?.share(waiting, definition.flow?.order === undefined ? sharedTextOf(limits) : undefined);
    if (limits.fifo !== undefined) return this.#turnInOrder(key, limits, counts);
    const room = this.#roomOf(key, limits, counts);
    const ahead = aheadOf(limits);
    if (definition.flow?.order === 'priority') {
      const hasLeft = (place: WaitingAttempt): boolean => this.#delays.hasLeft(key, place, now);
      const isWaiting = (waiter: Waiter): boolean => this.#options.waiting().find(pool, waiter) !== undefined;
      const ranked = (place: WaitingAttempt): Waiter => ({ ...attemptOf(place), ...limits, ...rankIn(place, definition) });
      return selectByRank(waiting, { ...counts, room: Math.min(room, MAX_WAITERS), ahead, hasLeft, isWaiting, ranked });
    }
    const unstarted = counts.unstarted.filter((one) => queueIdOf(one.function, one.key) === waiting.id).length;
    const own = (counts.listed.get(waiting.key) ?? 0) + unstarted;
    const count = Math.min(room, MAX_WAITERS) + ahead - own;
    if (count <= 0) return unstarted > 0 ? PASSED : NOTHING;
    const waiters = waiting.first(count, isWanted).map((place) => ({ ...attemptOf(place), ...limits }));
    const free = Math.max(0, room - own);
    return { free: waiters.slice(0, free), ahead: waiters.slice(free), leavesRoom: waiters.length < count };
  }

  /** How many attempts of a key find a slot and a token. Without keys, all attempts of the pool share the slots. */
  #roomOf(waiting: KeyOfPool, { perKey, total, rate }: Limits, { held, slots, tokens, now }: EntryCounts): number {
    const { key } = waiting.waiting;
    const taken = perKey === undefined && total !== undefined ? slots : (held.get(key) ?? 0);
    const free = Math.max(0, (perKey ?? total ?? MAX_WAITERS) - taken);
    if (rate === undefined) return free;
    const room = Math.min(free, tokens.countOf({ rate, key }));
    if (room === 0 && free > 0) this.#noteToken(waiting, rate, Math.max(tokens.nextAt({ rate, key }), now));
    return room;
  }

  #turnInOrder(key: KeyOfPool, limits: Limits, { held, listed, named, waiters: present, now }: EntryCounts): Selection {
    const { waiting } = key;
    const before = this.#options.firstUnplaced(waiting.function);
    const next = nextInOrder(waiting, {
      named,
      before,
      hasLeft: (place) => this.#delays.hasLeft(key, place, now),
      onUnplaced: ({ request }) => this.#delays.waitForPlaces(key, request),
    });
    const waiters = next.map((attempt) => ({ ...attempt, ...limits }));
    // A waiter that no worker started is before all others of its key.
    const free = held.has(waiting.key) || listed.has(waiting.key) || present.has(waiting.id) ? 0 : 1;
    return { free: waiters.slice(0, free), ahead: waiters.slice(free) };
  }

  /** The write that finds a spill, or all buckets, full drops them. */
  #noteFull(pool: PoolId, entry: Parameters<typeof nextFullAt>[0]): void {
    const at = nextFullAt(entry);
    if (at < Number.POSITIVE_INFINITY) this.#delays.scheduleAt(pool, at + 1);
  }

  /** The key is ready again when its next token is back. Tokens that come back soon after it are given in the same write. */
  #noteToken(key: KeyOfPool, rate: RateText, at: number): void {
    this.#delays.readyAt(key, at + gatherInMs(rate, GATHER_TOKENS_FOR_MS));
  }

  #wakeMoved(key: KeyOfPool, places: readonly WaitingAttempt[], now: number): void {
    for (const place of places) {
      const { name, version } = place.stream;
      this.#delays.noteLeft(attemptIdOf(attemptOf(place)), now);
      this.#options.hints.wake(name, place.request, `${name.stream}.${version}.moved-${Math.floor(now / this.#options.patienceInMs)}`);
    }
    if (places.length === MAX_MOVED) this.#poolOf(key.pool)?.markReady(key.waiting.id);
    else if (places.length > 0) this.#delays.readyAt(key, now + this.#options.patienceInMs);
  }

  #poolOf(pool: PoolId): WaitingPool | undefined {
    return this.#options.waiting().pools.get(pool);
  }
}
