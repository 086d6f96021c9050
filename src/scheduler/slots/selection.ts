import { attemptIdOf } from '#src/core/flow/entry-change.ts';
import type { Waiter } from '#src/core/flow/ledger-entry.ts';
import { parseRateText } from '#src/core/functions/rate.ts';
import { attemptOf, type WaitingAttempt, type WaitingKey } from '#src/scheduler/waits/waiting-key.ts';
import type { EntryCounts } from './entry-counts.ts';
import type { Limits } from './waiter-limits.ts';

/** How many waiters an entry has at most. The workers start them within milliseconds, so more would only make the entry longer. */
export const MAX_WAITERS = 128;
/** Attempts whose key is full, or has no token, are added only while the entry has fewer waiters, so that they hold up no attempt that may start. */
const MAX_WITH_AHEAD = MAX_WAITERS / 2;
/** How many attempts of a key are waiters beyond those that find a slot, so that a freed slot passes on in the write that frees it. */
const MAX_AHEAD_OF_KEY = 16;
/** Attempts that get a token within this time are waiters, so that each token needs no reading of the log. */
const TOKENS_AHEAD_MS = 200;
/**
 * What a key gets: the attempts that find a slot of the key, and those that wait for the next ones. `instead`: those that take the places of
 * `replaced`, which are less urgent.
 */
export type Selection = {
  free: readonly Waiter[];
  ahead: readonly Waiter[];
  instead?: readonly Waiter[];
  replaced?: readonly Waiter[];
  /** Fewer attempts wait than the entry has room for, so another function with the same limits may add some. */
  leavesRoom?: boolean;
};

/** The entry has all attempts of the key that it needs. */
export const NOTHING: Selection = { free: [], ahead: [] };

/** The function can take no turn: it is paused, or waits elsewhere. */
export const PASSED: Selection = { free: [], ahead: [], leavesRoom: true };

export function isNothing(turn: Selection): boolean {
  return turn === NOTHING || turn === PASSED;
}

/** Whether waiters of the entry have ranks (SLOT8). */
export function hasRanks({ waiters }: Pick<EntryCounts, 'waiters'>): boolean {
  return [...waiters.values()].some(([first]) => first?.rank !== undefined);
}

/** Counts what a turn adds for a key, because the functions of a pool share its slots. Returns how many attempts these are. */
export function countListed({ listed }: Pick<EntryCounts, 'listed'>, key: string, { free, ahead }: Selection): number {
  const added = free.length + ahead.length;
  listed.set(key, (listed.get(key) ?? 0) + added);
  return added;
}

/** What a turn may add to an entry with so many waiters, when so many keys have their turn. */
export function shareOf(turn: Selection, { listed, count }: { listed: number; count: number }): Selection {
  const share = Math.max(1, Math.ceil((MAX_WAITERS - listed) / count));
  const free = turn.free.slice(0, Math.max(0, Math.min(share, MAX_WAITERS - listed)));
  return { ...turn, free, ahead: turn.ahead.slice(0, Math.max(0, Math.min(share, MAX_WITH_AHEAD - listed - free.length))) };
}

/** How many attempts of a key are waiters for the next slots or tokens. */
export function aheadOf({ perKey, total, rate }: Limits): number {
  const slots = perKey ?? total;
  if (slots !== undefined || rate === undefined) return Math.min(slots ?? MAX_AHEAD_OF_KEY, MAX_AHEAD_OF_KEY);
  const { limit, perInMs } = parseRateText(rate);
  return Math.min(Math.ceil((limit * TOKENS_AHEAD_MS) / perInMs), MAX_WITH_AHEAD);
}

/** The first attempt of each key, then the second one of each, and so on. */
export function inRounds(turns: readonly Selection[], of: 'free' | 'ahead'): Waiter[] {
  const numbered = turns.flatMap(({ [of]: waiters }) => waiters.map((waiter, round) => ({ waiter, round })));
  return numbered.sort((one, other) => one.round - other.round).map(({ waiter }) => waiter);
}

type KeyInEntry = Pick<EntryCounts, 'holders' | 'waiters'> & {
  /** How many attempts of the key find a slot, and how many more wait in the entry for the next ones. */
  room: number;
  ahead: number;
  /** Whether an attempt left the entry, and the log may not show yet why. */
  hasLeft: (place: WaitingAttempt) => boolean;
  /** Whether a waiter of the entry waits by the log, as far as this process has read it. */
  isWaiting: (waiter: Waiter) => boolean;
  /** The waiter that stands for a place, with its rank. */
  ranked: (place: WaitingAttempt) => Waiter;
};

/**
 * The most urgent attempts of a key, which are to be its waiters in the entry (SLOT8).
 *
 * A less urgent waiter leaves the entry. One that this process does not know stays, because another process has read more of the log.
 */
export function selectByRank(waiting: WaitingKey, known: KeyInEntry): Selection {
  const { holders, room, ahead, hasLeft, isWaiting, ranked } = known;
  const own = known.waiters.get(waiting.id) ?? [];
  const listed = new Set(own.map(attemptIdOf));
  const isWanted = (place: WaitingAttempt): boolean => {
    const id = attemptIdOf(attemptOf(place));
    return !holders.has(id) && (listed.has(id) || !hasLeft(place));
  };
  const best = waiting.first(room + ahead, isWanted).map(ranked);
  const bestIds = new Set(best.map(attemptIdOf));
  const replaced = own.filter((waiter) => !bestIds.has(attemptIdOf(waiter)) && isWaiting(waiter));
  const added = best.filter((waiter) => !listed.has(attemptIdOf(waiter)));
  const instead = added.splice(0, replaced.length);
  const free = added.splice(0, Math.max(0, room - own.length));
  return { free, ahead: added, instead, replaced };
}
