import { type Change, idOf } from '#src/core/flow/change-entry.ts';
import { type Attempt, decodeLedgerEntry, type LedgerEntry, NO_SLOTS, type Waiter } from '#src/core/flow/ledger-entry.ts';
import { indexOf } from '#src/core/flow/stream-waits.ts';
import { limitsOf, type PoolId, poolOf } from '#src/core/functions/flow.ts';
import type { SchedulerOptions } from './ports.ts';
import { attemptOf, type Place, type WaitingKey, type WaitingStreams } from './waiting-streams.ts';

/** How many attempts of a key are waiters of the entry beyond those that find a slot, so that a freed slot passes on in the write that frees it. */
const MAX_AHEAD = 16;
/** How many waiters an entry has at most. Those whose key is full have half of them, so that a free slot is not held up by busy keys. */
const MAX_WAITERS = 256;
/** How many streams of a key whose flow was changed are woken at once. */
const MAX_MOVED = 32;
const LOOK_EVERY_MS = 1_000;

type Options = Pick<SchedulerOptions, 'functions' | 'hints' | 'clock' | 'log' | 'patienceInMs'> & {
  waiting: () => WaitingStreams;
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
 * - Keys get their turn one after another, with one attempt in each round.
 * - Streams of a function whose flow was removed or moved to another pool are woken, and decide again.
 *
 * Several schedulers may do the same: they read one log, and an attempt is in an entry once.
 */
export class SlotGrants {
  readonly #options: Options;
  readonly #known = new Map<PoolId, Known>();
  /** When attempts left an entry. The log may not show yet that they started, so they are no waiters again before the patience. */
  readonly #left = new Map<string, number>();
  /** The log is read up to the message that was its last one at the start: what waits before that may have ended. */
  #begin: number | undefined;
  #isAsking = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: Options) {
    this.#options = options;
  }

  /** When the waits are looked at again; infinite when nothing waits. */
  get nextDueAt(): number {
    for (const _ of this.#options.waiting().pools) return this.#lookedAt + LOOK_EVERY_MS;
    return Number.POSITIVE_INFINITY;
  }

  /** Has everything planned again, because a definition may have changed. */
  look(now: number): void {
    if (now < this.#lookedAt + LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    for (const [id, at] of this.#left) if (at + this.#options.patienceInMs <= now) this.#left.delete(id);
    for (const pool of [...this.#options.waiting().pools]) this.#options.planAgain(pool);
  }

  /** Takes over an entry, and wakes the streams that got a slot. */
  readonly note = (pool: PoolId, text: string | undefined): void => {
    const before = this.#known.get(pool);
    if (before !== undefined && before.text === text) return;
    const { holders, waiters } = readEntry(text);
    const held = new Set(holders.map(idOf));
    const named = new Set([...held, ...waiters.map(idOf)]);
    if (named.size === 0) this.#known.delete(pool);
    else this.#known.set(pool, { text, named, holders: held });
    const now = this.#options.clock.now();
    for (const id of before?.named ?? []) if (!named.has(id)) this.#left.set(id, now);
    for (const holder of holders) if (before?.holders.has(idOf(holder)) !== true) this.#wake(pool, holder);
    if (this.#options.waiting().has(pool)) this.#options.planAgain(pool);
  };

  /** An attempt begins to wait. */
  readonly noteWait = (pool: PoolId, attempt: Attempt, mayBeFirst: boolean): void => {
    if (this.#known.get(pool)?.holders.has(idOf(attempt))) this.#wake(pool, attempt);
    else if (mayBeFirst) this.#options.planAgain(pool);
  };

  /** What an entry needs: the first attempts of each key as waiters. */
  readonly plan = (pool: PoolId, entry: LedgerEntry): Pick<Change, 'waits' | 'withdrawals'> => {
    if (!this.#options.takesWork() || !this.#isReady()) return {};
    const keys = this.#options.waiting().keysOf(pool);
    if (keys.length === 0) return {};
    const counts = countKeys(entry);
    const turns = keys.flatMap((waiting) => this.#turnOf(waiting, pool, counts));
    const count = entry.waiters.length;
    const free = inRounds(turns, 'free').slice(0, Math.max(0, MAX_WAITERS - count));
    const ahead = inRounds(turns, 'ahead').slice(0, Math.max(0, MAX_WAITERS / 2 - count - free.length));
    for (const { waiting } of [...free, ...ahead]) this.#options.waiting().putLast(pool, waiting);
    const waits = [...free, ...ahead].map(({ waiter }) => waiter);
    return { waits, withdrawals: entry.waiters.filter((waiter) => this.#isPaused(pool, waiter)) };
  };

  /** The attempts of a key that find a slot of the key, and those that wait for the next ones. */
  #turnOf(waiting: WaitingKey, pool: PoolId, { held, listed, named }: Counts): Turn[] {
    const definition = this.#options.functions.get(waiting.function)?.definition;
    if (definition === undefined || definition.paused) return [];
    const { flow } = definition;
    const now = this.#options.clock.now();
    const isWanted = (place: Place): boolean => {
      const id = idOf(attemptOf(place));
      return !named.has(id) && (this.#left.get(id) ?? Number.NEGATIVE_INFINITY) + this.#options.patienceInMs <= now;
    };
    if (flow?.key === undefined || poolOf(waiting.function, flow) !== pool) {
      this.#wakeMoved(waiting.first(MAX_MOVED, isWanted), now);
      return [];
    }
    const perKey = flow.concurrency;
    const free = Math.max(0, perKey - (held.get(waiting.key) ?? 0) - (listed.get(waiting.key) ?? 0));
    const ahead = Math.min(perKey, MAX_AHEAD);
    const count = Math.max(0, perKey - (held.get(waiting.key) ?? 0)) + ahead - (listed.get(waiting.key) ?? 0);
    if (count <= 0) return [];
    const waiters = waiting.first(count, isWanted).map((place) => ({ ...attemptOf(place), ...limitsOf(flow) }));
    return [{ waiting, free: waiters.slice(0, free), ahead: waiters.slice(free) }];
  }

  /** A paused function starts nothing, so its attempts must not get slots that other functions of the pool need. */
  #isPaused(pool: PoolId, waiter: Waiter): boolean {
    const waits = this.#options.waiting().find(pool, waiter);
    return waits !== undefined && this.#options.functions.get(waits.name.function)?.definition.paused === true;
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

/** What a key gets: the attempts that find a slot of the key, and those that wait for the next ones. */
type Turn = { waiting: WaitingKey; free: readonly Waiter[]; ahead: readonly Waiter[] };

/** The first attempt of each key, then the second one of each, and so on. */
function inRounds(turns: readonly Turn[], of: 'free' | 'ahead'): { waiting: WaitingKey; waiter: Waiter }[] {
  const numbered = turns.flatMap(({ waiting, [of]: waiters }) => waiters.map((waiter, round) => ({ waiting, waiter, round })));
  return numbered.sort((one, other) => one.round - other.round);
}

type Counts = { held: ReadonlyMap<string, number>; listed: ReadonlyMap<string, number>; named: ReadonlySet<string> };

function countKeys({ holders, waiters }: LedgerEntry): Counts {
  return { held: countBy(holders), listed: countBy(waiters), named: new Set([...holders, ...waiters].map(idOf)) };
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
