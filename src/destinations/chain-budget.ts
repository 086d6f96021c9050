/**
 * The part of a chain's budget that one of `count` child invocations of the same outcome gets (L2).
 *
 * Each child uses one invocation of `budget`. The remainder is divided among the children, the earlier ones first. The share is -1 for a
 * child that the budget does not cover. The same arguments give the same share, so a repeated delivery starts the same child.
 */
export function shareOf(budget: number, { index, count }: { index: number; count: number }): number {
  if (index >= budget) return -1;
  const remainder = Math.max(0, budget - count);
  return Math.floor(remainder / count) + (index < remainder % count ? 1 : 0);
}
