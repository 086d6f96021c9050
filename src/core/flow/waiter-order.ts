import type { Attempt, Waiter } from './ledger-entry.ts';

/** Attempts of one rank are in the order of the log. */
export function compareRanks(one: Waiter, other: Waiter): number {
  const byRank = (one.rank ?? 0) - (other.rank ?? 0) || one.request - other.request;
  return byRank || (one.invocation < other.invocation ? -1 : 1);
}

/** Whether two attempts have the same answer when neither of them has a slot. */
export function needsSame(one: Waiter, other: Waiter): boolean {
  const hasSameLimits = one.perKey === other.perKey && one.total === other.total && one.rate === other.rate;
  return hasSameLimits && one.key === other.key && one.function === other.function;
}

/** Whether an attempt of the same key and function comes later in the order of the log. The ids of one message follow each other. */
export function isLaterInQueue(one: Attempt, than: Attempt): boolean {
  if (one.key !== than.key || one.function !== than.function) return false;
  return one.request > than.request || (one.request === than.request && one.invocation > than.invocation);
}
