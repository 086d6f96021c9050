import { type Change, idOf } from '#src/core/flow/change-entry.ts';
import { type Attempt, decodeLedgerEntry, type LedgerEntry, NO_SLOTS, type Waiter } from '#src/core/flow/ledger-entry.ts';
import { indexOf } from '#src/core/flow/stream-waits.ts';
import { allFullAt, gatherInMs } from '#src/core/flow/token-buckets.ts';
import { hasLimits, type PoolId, poolOf, waitsInLog } from '#src/core/functions/flow.ts';
import { agingOf } from '#src/core/functions/priority.ts';
import type { RateText } from '#src/core/functions/rate.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { countEntry, type EntryCounts } from './entry-counts.ts';
import { nextInOrder, nextOfKept } from './next-in-order.ts';
import type { SchedulerOptions } from './ports.ts';
import { turnByRank } from './turn-by-rank.ts';
import { changesOf, type Limits, limitsIn, rankIn } from './waiter-limits.ts';
import { attemptOf, type Place, type WaitingKey, type WaitingStreams } from './waiting-streams.ts';

/** How many attempts of a key are waiters of the entry beyond those that find a slot, so that a freed slot passes on in the write that frees it. */
const MAX_AHEAD = 16;
/** How many waiters an entry has at most. Those whose key is full have half of them, so that a free slot is not held up by busy keys. */
const MAX_WAITERS = 256;
/** How many streams of a key whose flow was changed are woken at once. */
const MAX_MOVED = 32;
const LOOK_EVERY_MS = 1_000;
/** Tokens that come back within this time are given in one write. */
const GATHER_TOKENS_FOR_MS = 50;
/** The time at which held tokens come back is not known. The entry is read for them no more often. */
const LOOK_FOR_TOKENS_EVERY_MS = 20;

type Options = Pick<SchedulerOptions, 'functions' | 'hints' | 'clock' | 'log' | 'patienceInMs'> & {
  waiting: () => WaitingStreams;
  /** The sequence of the first request of a function of which the log does not say yet for which key it waits. */
  firstUnplaced: (name: FunctionName) => number;
  /** Has the entry of a pool planned and written again. */
  planAgain: (pool: PoolId) => void;
  /** The sequence after the newest message of the log that was read. */
  next: () => number;
  takesWork: () => boolean;
};

/** An entry as it was read last. `waiting`: the functions of its waiters. */
type Known = { text: string | undefined; named: ReadonlySet<string>; holders: ReadonlySet<string>; waiting: ReadonlySet<string> };

/**
 * Gives the slots of keys to the attempts that wait in the log (SLOT6).
 *
 * - The first attempts of each key are waiters of the entry, put there by compare-and-set. The write that frees a slot gives it to them, also
 *   when a worker writes it. While a key has a waiter, no new attempt takes a slot of the key.
 * - The stream of an attempt that got a slot is woken. When this process dies before, `slot-checks.ts` of another one wakes the stream.
 * - In the order of the log, an attempt is a waiter only when all earlier requests of its function have their place (SLOT7).
 * - With priorities, the waiters of a key are the most urgent ones that wait: less urgent ones leave the entry again (SLOT8).
 * - Keys get their turn one after another, with one attempt in each round.
 * - The tokens of rates come back with time, and no write shows that. The entry is written when the next one is back.
 * - Streams of a function whose flow was removed or moved to another pool are woken, and decide again.
 *
 * Several schedulers may do the same: they read one log, and an attempt is in an entry once.
 */
export class SlotGrants {
  readonly #options: Options;
  readonly #known = new Map<PoolId, Known>();
  /** When attempts left an entry. The log may not show yet that they started, so they are no waiters again before the patience. */
  readonly #left = new Map<string, number>();
  /** The waiters that this process takes out of an entry for more urgent ones. They never had a slot. */
  readonly #replaced = new Map<PoolId, Set<string>>();
  /** When the next token of a pool is back for an attempt that waits, or all its tokens are. */
  readonly #tokenAt = new Map<PoolId, number>();
  /** The log is read up to the message that was its last one at the start: what waits before that may have ended. */
  #begin: number | undefined;
  #isAsking = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** The pools in which a request got its place, so that others may have their turn. They are planned together. */
  readonly #placed = new Set<PoolId>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** When the waits are looked at again; infinite when nothing waits. */
  get nextDueAt(): number {
    if (this.#placed.size > 0) return this.#options.clock.now();
    const tokenAt = Math.min(...this.#tokenAt.values());
    for (const _ of this.#options.waiting().pools) return Math.min(tokenAt, this.#lookedAt + LOOK_EVERY_MS);
    return tokenAt;
  }

  /** Has everything planned again, because a definition may have changed. */
  look(now: number): void {
    for (const pool of this.#placed) this.#options.planAgain(pool);
    this.#placed.clear();
    for (const [pool, at] of this.#tokenAt) {
      if (at > now) continue;
      this.#tokenAt.delete(pool);
      this.#options.planAgain(pool);
    }
    if (now < this.#lookedAt + LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    for (const [id, at] of this.#left) if (at + this.#options.patienceInMs <= now) this.#left.delete(id);
    for (const pool of [...this.#options.waiting().pools]) this.#options.planAgain(pool);
  }

  /** Takes over an entry, and wakes the streams that got a slot. */
  readonly note = (pool: PoolId, text: string | undefined): void => {
    const before = this.#known.get(pool);
    if (before !== undefined && before.text === text) return;
    const { holders, waiters, buckets } = readEntry(text);
    const held = new Set(holders.map(idOf));
    const named = new Set([...held, ...waiters.map(idOf)]);
    if (named.size === 0) this.#known.delete(pool);
    else this.#known.set(pool, { text, named, holders: held, waiting: new Set(waiters.map((one) => one.function)) });
    const now = this.#options.clock.now();
    const replaced = this.#replaced.get(pool);
    for (const id of before?.named ?? []) if (!named.has(id) && !replaced?.delete(id)) this.#left.set(id, now);
    for (const holder of holders.filter((one) => !before?.holders.has(idOf(one)))) this.#wake(pool, holder);
    if (this.#options.waiting().has(pool)) this.#options.planAgain(pool);
    else this.#noteFull(pool, buckets);
  };

  /** An attempt begins to wait. */
  readonly noteWait = (pool: PoolId, attempt: Attempt, mayBeFirst: boolean): void => {
    if (this.#known.get(pool)?.holders.has(idOf(attempt))) this.#wake(pool, attempt);
    else if (this.#hasOrder(attempt.function)) this.#placed.add(pool);
    else if (mayBeFirst) this.#options.planAgain(pool);
  };

  /**
   * Whether attempts of a function wait in workers for a slot or a token: a further worker that takes one of them waits too, and asks for it once more.
   * The items of these attempts are not acknowledged, so JetStream redelivers them when their worker dies.
   */
  readonly waitInWorkers = (name: FunctionName): boolean => {
    const flow = this.#options.functions.get(name)?.definition.flow;
    if (!hasLimits(flow) || waitsInLog(flow)) return false;
    return this.#known.get(poolOf(name, flow))?.waiting.has(name) ?? false;
  };

  /** What an entry needs: the first attempts of each key as waiters. */
  readonly plan = (pool: PoolId, entry: LedgerEntry): Pick<Change, 'waits' | 'withdrawals'> => {
    if (!this.#options.takesWork() || !this.#isReady()) return {};
    const keys = this.#options.waiting().keysOf(pool);
    if (keys.length === 0) this.#noteFull(pool, entry.buckets);
    if (keys.length === 0) return {};
    const counts = countEntry(entry, this.#options.clock.now());
    this.#tokenAt.delete(pool);
    const turns = keys.flatMap((waiting) => this.#turnOf(waiting, pool, counts));
    const replaced = turns.flatMap((turn) => turn.replaced ?? []);
    const outgoing = new Set(replaced.map(idOf));
    this.#replaced.set(pool, outgoing);
    const remaining = entry.waiters.filter((one) => !outgoing.has(idOf(one)));
    const instead = turns.flatMap(({ waiting, instead = [] }) => instead.map((waiter) => ({ waiting, waiter })));
    const count = remaining.length + instead.length;
    const free = inRounds(turns, 'free').slice(0, Math.max(0, MAX_WAITERS - count));
    const ahead = inRounds(turns, 'ahead').slice(0, Math.max(0, MAX_WAITERS / 2 - count - free.length));
    const added = [...instead, ...free, ...ahead];
    for (const { waiting } of added) this.#options.waiting().putLast(pool, waiting);
    const waits = [
      ...nextOfKept(entry, (holder) => this.#options.waiting().findNext(pool, holder), this.#options.functions),
      ...added.map(({ waiter }) => waiter),
    ];
    const { changed, withdrawals } = changesOf(pool, remaining, { ...this.#options, waiting: this.#options.waiting() });
    return { waits: [...waits, ...changed], withdrawals: [...replaced, ...withdrawals] };
  };

  /** The attempts of a key that find a slot of the key, and those that wait for the next ones. */
  #turnOf(waiting: WaitingKey, pool: PoolId, counts: EntryCounts): Turn[] {
    const { listed, named, now } = counts;
    const definition = this.#options.functions.get(waiting.function)?.definition;
    if (definition === undefined || definition.paused) return [];
    const isWanted = (place: Place): boolean => !named.has(idOf(attemptOf(place))) && !this.#hasLeft(place, now);
    const limits = limitsIn(pool, waiting.function, definition);
    if (limits === undefined) {
      this.#wakeMoved(waiting.first(MAX_MOVED, isWanted), now);
      return [];
    }
    waiting.orderBy(agingOf(definition.flow ?? {}));
    if (limits.fifo !== undefined) return this.#turnInOrder(waiting, limits, counts);
    const room = this.#roomOf(waiting, pool, limits, counts);
    const ahead = Math.min(limits.perKey ?? limits.total ?? MAX_WAITERS, MAX_AHEAD);
    if (definition.flow?.order === 'priority') {
      const hasLeft = (place: Place): boolean => this.#hasLeft(place, now);
      const isWaiting = (waiter: Waiter): boolean => this.#options.waiting().find(pool, waiter) !== undefined;
      const ranked = (place: Place): Waiter => ({ ...attemptOf(place), ...limits, ...rankIn(place, definition) });
      return [{ waiting, ...turnByRank(waiting, { ...counts, room, ahead, hasLeft, isWaiting, ranked }) }];
    }
    const free = Math.max(0, room - (listed.get(waiting.key) ?? 0));
    const count = room + ahead - (listed.get(waiting.key) ?? 0);
    if (count <= 0) return [];
    const waiters = waiting.first(count, isWanted).map((place) => ({ ...attemptOf(place), ...limits }));
    return [{ waiting, free: waiters.slice(0, free), ahead: waiters.slice(free) }];
  }

  /** How many attempts of a key find a slot and a token. Without keys, all attempts of the pool share the slots. */
  #roomOf(waiting: WaitingKey, pool: PoolId, { perKey, total, rate }: Limits, { held, slots, tokens, now }: EntryCounts): number {
    const { key } = waiting;
    const taken = perKey === undefined && total !== undefined ? slots : (held.get(key) ?? 0);
    const free = Math.max(0, (perKey ?? total ?? MAX_WAITERS) - taken);
    if (rate === undefined) return free;
    const room = Math.min(free, tokens.countOf({ rate, key }));
    if (room === 0 && free > 0) this.#noteToken(pool, rate, Math.max(tokens.nextAt({ rate, key }), now));
    return room;
  }

  #turnInOrder(waiting: WaitingKey, limits: Limits, { held, listed, named, now }: EntryCounts): Turn[] {
    const before = this.#options.firstUnplaced(waiting.function);
    const next = nextInOrder(waiting, { named, before, hasLeft: (place) => this.#hasLeft(place, now) });
    const waiters = next.map((attempt) => ({ ...attempt, ...limits }));
    const free = held.has(waiting.key) || listed.has(waiting.key) ? 0 : 1;
    return [{ waiting, free: waiters.slice(0, free), ahead: waiters.slice(free) }];
  }

  /** The write that finds all buckets full drops them. */
  #noteFull(pool: PoolId, buckets: LedgerEntry['buckets']): void {
    if (buckets === undefined) this.#tokenAt.delete(pool);
    else this.#tokenAt.set(pool, allFullAt(buckets) + 1);
  }

  /** The entry is written when the next token is back. Tokens that come back soon after it are given in the same write. */
  #noteToken(pool: PoolId, rate: RateText, at: number): void {
    const earliest = this.#options.clock.now() + LOOK_FOR_TOKENS_EVERY_MS;
    const lookAt = Math.max(at + gatherInMs(rate, GATHER_TOKENS_FOR_MS), earliest);
    this.#tokenAt.set(pool, Math.min(lookAt, this.#tokenAt.get(pool) ?? lookAt));
  }

  #hasOrder(name: string): boolean {
    return this.#options.functions.get(name as FunctionName)?.definition.flow?.order !== undefined;
  }

  /** The log may not show yet why an attempt left the entry. */
  #hasLeft(place: Place, now: number): boolean {
    return (this.#left.get(idOf(attemptOf(place))) ?? Number.NEGATIVE_INFINITY) + this.#options.patienceInMs > now;
  }

  #wake(pool: PoolId, attempt: Attempt): void {
    const place = this.#options.waiting().find(pool, attempt);
    if (place === undefined) return;
    const { name, version } = place.stream;
    this.#options.hints.wake(name, place.request, `${name.stream}.${version}.slot-${indexOf(attempt.invocation)}`);
  }

  #wakeMoved(places: readonly Place[], now: number): void {
    for (const place of places) {
      const { name, version } = place.stream;
      this.#left.set(idOf(attemptOf(place)), now);
      this.#options.hints.wake(name, place.request, `${name.stream}.${version}.moved-${Math.floor(now / this.#options.patienceInMs)}`);
    }
  }

  #isReady(): boolean {
    if (this.#begin !== undefined) return this.#options.next() > this.#begin;
    if (!this.#isAsking) {
      this.#isAsking = true;
      this.#options.log
        .lastSequence()
        .then(
          (last) => {
            this.#begin = last;
          },
          () => {},
        )
        .finally(() => {
          this.#isAsking = false;
          this.#lookedAt = Number.NEGATIVE_INFINITY;
        });
    }
    return false;
  }
}

/**
 * What a key gets: the attempts that find a slot of the key, and those that wait for the next ones. `instead`: those that take the places of
 * `replaced`, which are less urgent.
 */
type Turn = {
  waiting: WaitingKey;
  free: readonly Waiter[];
  ahead: readonly Waiter[];
  instead?: readonly Waiter[];
  replaced?: readonly Waiter[];
};

/** The first attempt of each key, then the second one of each, and so on. */
function inRounds(turns: readonly Turn[], of: 'free' | 'ahead'): { waiting: WaitingKey; waiter: Waiter }[] {
  const numbered = turns.flatMap(({ waiting, [of]: waiters }) => waiters.map((waiter, round) => ({ waiting, waiter, round })));
  return numbered.sort((one, other) => one.round - other.round);
}

/** An entry that cannot be read names nobody. Its writer reports it. */
function readEntry(text: string | undefined): LedgerEntry {
  try {
    return decodeLedgerEntry(text);
  } catch {
    return NO_SLOTS;
  }
}
