/**
 * What is left for one of the invocations that follow from the same outcome, when `budget` may follow in all (L2).
 *
 * Each takes one and the rest is divided, the earlier ones getting what is left over; below zero it is one too many. A
 * place and a budget give the same share always, so that a repeated delivery starts the very same invocation.
 */
export function shareOf(budget: number, { place, among }: { place: number; among: number }): number {
  if (place >= budget) return -1;
  const rest = Math.max(0, budget - among);
  return Math.floor(rest / among) + (place < rest % among ? 1 : 0);
}
