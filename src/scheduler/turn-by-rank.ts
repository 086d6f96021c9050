import { idOf } from '#src/core/flow/change-entry.ts';
import type { Waiter } from '#src/core/flow/ledger-entry.ts';
import type { EntryCounts } from './entry-counts.ts';
import { attemptOf, type Place, type WaitingKey } from './waiting-streams.ts';

type Known = Pick<EntryCounts, 'holders' | 'waiters'> & {
  /** How many attempts of the key find a slot, and how many more wait in the entry for the next ones. */
  room: number;
  ahead: number;
  /** Whether an attempt left the entry, and the log may not show yet why. */
  hasLeft: (place: Place) => boolean;
  /** Whether a waiter of the entry waits by the log, as far as this process has read it. */
  isWaiting: (waiter: Waiter) => boolean;
  /** The waiter that stands for a place, with its rank. */
  ranked: (place: Place) => Waiter;
};

type RankedTurn = Record<'free' | 'ahead' | 'instead' | 'replaced', Waiter[]>;

/**
 * The most urgent attempts of a key, which are to be its waiters in the entry (SLOT8).
 *
 * A less urgent waiter leaves the entry. One that this process does not know stays, because another process has read more of the log.
 */
export function turnByRank(waiting: WaitingKey, known: Known): RankedTurn {
  const { holders, room, ahead, hasLeft, isWaiting, ranked } = known;
  const own = known.waiters.get(waiting.id) ?? [];
  const listed = new Set(own.map(idOf));
  const isWanted = (place: Place): boolean => {
    const id = idOf(attemptOf(place));
    return !holders.has(id) && (listed.has(id) || !hasLeft(place));
  };
  const best = waiting.firstByRank(room + ahead, isWanted).map(ranked);
  const bestIds = new Set(best.map(idOf));
  const replaced = own.filter((waiter) => !bestIds.has(idOf(waiter)) && isWaiting(waiter));
  const added = best.filter((waiter) => !listed.has(idOf(waiter)));
  const instead = added.splice(0, replaced.length);
  const free = added.splice(0, Math.max(0, room - own.length));
  return { free, ahead: added, instead, replaced };
}
