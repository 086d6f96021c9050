/*
 * The least and the greatest of many numbers.
 *
 * `Math.min(...values)` passes each value as an argument on the stack. A call with some 120,000 of them throws a RangeError, which ends the
 * process. So does `list.push(...values)`. A spread into a call is for lists with a bound (`test/unit/repository/unbounded-spreads.test.ts`).
 */

/** The least of the values; infinite without one. */
export function leastOf(values: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) least = Math.min(least, value);
  return least;
}

/** The greatest of the values; minus infinity without one. */
export function greatestOf(values: Iterable<number>): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const value of values) greatest = Math.max(greatest, value);
  return greatest;
}
