import { type Change, idOf } from '#src/core/flow/change-entry.ts';
import { type Attempt, decodeLedgerEntry, type LedgerEntry, NO_SLOTS, type Waiter } from '#src/core/flow/ledger-entry.ts';
import { indexOf } from '#src/core/flow/stream-waits.ts';
import { allFullAt, gatherInMs, TokenBuckets } from '#src/core/flow/token-buckets.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { fifoOf, limitsOf, type PoolId, poolOf } from '#src/core/functions/flow.ts';
import type { RateText } from '#src/core/functions/rate.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { nextInOrder, nextOfKept } from './next-in-order.ts';
import type { SchedulerOptions } from './ports.ts';
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

/** What is known of an entry. */
type Known = { text: string | undefined; named: ReadonlySet<string>; holders: ReadonlySet<string> };

/**
 * Gives the slots of keys to the attempts that wait in the log (SLOT6).
 *
 * - The first attempts of each key are waiters of the entry, put there by compare-and-set. The write that frees a slot gives it to them, also
 *   when a worker writes it. While a key has a waiter, no new attempt takes a slot of the key.
 * - The stream of an attempt that got a slot is woken. When this process dies before, `slot-checks.ts` of another one wakes the stream.
 * - In the order of the log, an attempt is a waiter only when all earlier requests of its function have their place (SLOT7).
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
    else this.#known.set(pool, { text, named, holders: held });
    const now = this.#options.clock.now();
    for (const id of before?.named ?? []) if (!named.has(id)) this.#left.set(id, now);
    for (const holder of holders.filter((one) => !before?.holders.has(idOf(one)))) this.#wake(pool, holder);
    if (this.#options.waiting().has(pool)) this.#options.planAgain(pool);
    else this.#noteFull(pool, buckets);
  };

  /** An attempt begins to wait. */
  readonly noteWait = (pool: PoolId, attempt: Attempt, mayBeFirst: boolean): void => {
    if (this.#known.get(pool)?.holders.has(idOf(attempt))) this.#wake(pool, attempt);
    else if (this.#isInOrder(attempt.function)) this.#placed.add(pool);
    else if (mayBeFirst) this.#options.planAgain(pool);
  };

  /** What an entry needs: the first attempts of each key as waiters. */
  readonly plan = (pool: PoolId, entry: LedgerEntry): Pick<Change, 'waits' | 'withdrawals'> => {
    if (!this.#options.takesWork() || !this.#isReady()) return {};
    const keys = this.#options.waiting().keysOf(pool);
    if (keys.length === 0) this.#noteFull(pool, entry.buckets);
    if (keys.length === 0) return {};
    const now = this.#options.clock.now();
    const counts = countKeys(entry, now);
    this.#tokenAt.delete(pool);
    const turns = keys.flatMap((waiting) => this.#turnOf(waiting, pool, counts));
    const count = entry.waiters.length;
    const free = inRounds(turns, 'free').slice(0, Math.max(0, MAX_WAITERS - count));
    const ahead = inRounds(turns, 'ahead').slice(0, Math.max(0, MAX_WAITERS / 2 - count - free.length));
    for (const { waiting } of [...free, ...ahead]) this.#options.waiting().putLast(pool, waiting);
    const waits = [
      ...nextOfKept(entry, (holder) => this.#options.waiting().findNext(pool, holder), this.#options.functions),
      ...[...free, ...ahead].map(({ waiter }) => waiter),
    ];
    const { changed, withdrawals } = this.#changesOf(pool, entry.waiters);
    return { waits: [...waits, ...changed], withdrawals };
  };

  /**
   * The waiters that get the present limits of their functions, and those that are none any more: a paused function starts nothing, so its
   * attempts must not get slots that other functions of the pool need, and a function whose flow was removed or moved needs none here.
   */
  #changesOf(pool: PoolId, waiters: readonly Waiter[]): { changed: Waiter[]; withdrawals: Waiter[] } {
    const changed: Waiter[] = [];
    const withdrawals: Waiter[] = [];
    for (const waiter of waiters) {
      const waits = this.#options.waiting().find(pool, waiter);
      const definition = waits === undefined ? undefined : this.#options.functions.get(waits.name.function)?.definition;
      if (waits === undefined || definition === undefined) continue;
      const limits = definition.paused ? undefined : limitsIn(pool, waits.name.function, definition);
      if (limits === undefined) withdrawals.push(waiter);
      else if (!hasLimits(waiter, limits)) changed.push({ ...withoutLimits(waiter), ...limits });
    }
    return { changed, withdrawals };
  }

  /** The attempts of a key that find a slot of the key, and those that wait for the next ones. */
  #turnOf(waiting: WaitingKey, pool: PoolId, { held, listed, named, tokens, now }: Counts): Turn[] {
    const definition = this.#options.functions.get(waiting.function)?.definition;
    if (definition === undefined || definition.paused) return [];
    const isWanted = (place: Place): boolean => !named.has(idOf(attemptOf(place))) && !this.#hasLeft(place, now);
    const limits = limitsIn(pool, waiting.function, definition);
    if (limits === undefined) {
      this.#wakeMoved(waiting.first(MAX_MOVED, isWanted), now);
      return [];
    }
    if (limits.fifo !== undefined) return this.#turnInOrder(waiting, limits, { held, listed, named, tokens, now });
    const { perKey = MAX_WAITERS, rate } = limits;
    const slots = Math.max(0, perKey - (held.get(waiting.key) ?? 0));
    const room = rate === undefined ? slots : Math.min(slots, tokens.countOf({ rate, key: waiting.key }));
    if (rate !== undefined && room === 0 && slots > 0)
      this.#noteToken(pool, rate, Math.max(tokens.nextAt({ rate, key: waiting.key }), now));
    const free = Math.max(0, room - (listed.get(waiting.key) ?? 0));
    const count = room + Math.min(perKey, MAX_AHEAD) - (listed.get(waiting.key) ?? 0);
    if (count <= 0) return [];
    const waiters = waiting.first(count, isWanted).map((place) => ({ ...attemptOf(place), ...limits }));
    return [{ waiting, free: waiters.slice(0, free), ahead: waiters.slice(free) }];
  }

  #turnInOrder(waiting: WaitingKey, limits: Limits, { held, listed, named, now }: Counts): Turn[] {
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

  #isInOrder(name: string): boolean {
    const flow = this.#options.functions.get(name as FunctionName)?.definition.flow;
    return flow !== undefined && fifoOf(flow) !== undefined;
  }

  /** The log may not show yet why an attempt left the entry. */
  #hasLeft(place: Place, now: number): boolean {
    return (this.#left.get(idOf(attemptOf(place))) ?? Number.NEGATIVE_INFINITY) + this.#options.patienceInMs > now;
  }

  #wake(pool: PoolId, attempt: Attempt): void {
    const stream = this.#options.waiting().find(pool, attempt);
    if (stream?.request === undefined) return;
    const { name, request, version } = stream;
    this.#options.hints.wake(name, request, `${name.stream}.${version}.slot-${indexOf(attempt.invocation)}`);
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

/** The limits of a function whose attempts wait in the log for a pool; `undefined` when they wait for another pool, or not in the log. */
function limitsIn(pool: PoolId, name: FunctionName, { flow }: Pick<FunctionDefinition, 'flow'>): Limits | undefined {
  if (flow === undefined || poolOf(name, flow) !== pool) return undefined;
  return flow.key === undefined ? undefined : limitsOf(flow);
}

type Limits = ReturnType<typeof limitsOf>;

function hasLimits(waiter: Waiter, { perKey, total, rate, fifo }: Limits): boolean {
  return waiter.perKey === perKey && waiter.total === total && waiter.rate === rate && waiter.fifo === fifo;
}

function withoutLimits({ key, function: name, invocation, attempt, request }: Waiter): Attempt {
  return { key, function: name, invocation, attempt, request };
}

/** What a key gets: the attempts that find a slot of the key, and those that wait for the next ones. */
type Turn = { waiting: WaitingKey; free: readonly Waiter[]; ahead: readonly Waiter[] };

/** The first attempt of each key, then the second one of each, and so on. */
function inRounds(turns: readonly Turn[], of: 'free' | 'ahead'): { waiting: WaitingKey; waiter: Waiter }[] {
  const numbered = turns.flatMap(({ waiting, [of]: waiters }) => waiters.map((waiter, round) => ({ waiting, waiter, round })));
  return numbered.sort((one, other) => one.round - other.round);
}

type Counts = {
  held: ReadonlyMap<string, number>;
  listed: ReadonlyMap<string, number>;
  named: ReadonlySet<string>;
  tokens: TokenBuckets;
  now: number;
};

function countKeys(entry: LedgerEntry, now: number): Counts {
  const { holders, waiters } = entry;
  return {
    held: countBy(holders.filter(({ isSlotless }) => !isSlotless)),
    listed: countBy(waiters),
    named: new Set([...holders, ...waiters].map(idOf)),
    tokens: new TokenBuckets(entry, now),
    now,
  };
}

function countBy(attempts: readonly Attempt[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of attempts) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** An entry that cannot be read names nobody. Its writer reports it. */
function readEntry(text: string | undefined): LedgerEntry {
  try {
    return decodeLedgerEntry(text);
  } catch {
    return NO_SLOTS;
  }
}
