import { parseRateText } from '#src/core/functions/rate.ts';
import { idOf, takesSlot } from './change-entry.ts';
import type { Waiter } from './ledger-entry.ts';

const MOST_FOR_TOKENS = 8;
const PART_OF_BURST = 0.1;

/**
 * How many attempts of one process may wait in an entry (SLOT5).
 *
 * An attempt that waits for a slot is the only one, so that no process keeps all slots. Tokens come back one after another, so several attempts wait for
 * them, and are replaced together: each token would otherwise need a write for the next waiter. The process may die, and a token stays with an
 * attempt until another worker takes the item. So they are a small part of the burst.
 */
export function mayWaitOf(acquisitions: ReadonlyMap<string, { waiter: Waiter }>, waiters: readonly Waiter[]): number {
  let most = MOST_FOR_TOKENS;
  for (const { waiter } of acquisitions.values()) {
    if (waiter.rate === undefined || takesSlot(waiter)) return 1;
    most = Math.min(most, Math.ceil(parseRateText(waiter.rate).burst * PART_OF_BURST));
  }
  const waiting = waiters.filter((one) => acquisitions.has(idOf(one))).length;
  return waiting > most / 2 ? waiting : most;
}
