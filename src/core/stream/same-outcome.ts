import type { Outcome } from '#machines/facts.ts';

/** Whether two outcomes of one invocation are the same fact. After a power cut the log may hold another outcome than the one that was read. */
export function isSameOutcome(one: Outcome | null, other: Outcome | null): boolean {
  return one === other || (one?.type === other?.type && one?.at === other?.at && one?.attempt === other?.attempt);
}
