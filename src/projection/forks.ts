/*
 * Which rows changed after an earlier moment? A row was born at one sequence and changed last at another, and the question is which
 * of these spans a moment cuts. Most are short, a few are long, and there are millions.
 *
 * Think of a binary tree over all sequences, whose node at a multiple of 2^k covers 2^k sequences on both sides. A span hangs at its
 * fork: the highest node within it. A span that a moment cuts hangs on the way from the top of the tree to that moment, or at a node
 * within the moment, when it is a range: at most two look-ups for each
 * doubling of the log, some sixty for a billion messages. (Kriegel, Pötke, Seidl: Managing Intervals Efficiently in
 * Object-Relational Databases, 2000.)
 */

/** The fork of a span; `null` when it begins and ends at the same sequence. */
export function forkOf(from: number, to: number): number | null {
  if (from === to) return null;
  let step = 1;
  while (Math.floor(from / step) !== Math.floor(to / step)) step *= 2;
  step /= 2;
  return Math.floor(to / step) * step;
}

/** Where those spans may hang that reach into a range from outside, when none ends behind `last`. All others fork within the range. */
export function forksAround({ low, high, last }: { low: number; high: number; last: number }): number[] {
  const forks = new Set<number>();
  for (let step = 1; step <= 2 * last; step *= 2) {
    const below = Math.floor(low / step) * step;
    const above = Math.floor(high / step) * step + step;
    if (below < low) forks.add(below);
    if (above > high) forks.add(above);
  }
  return [...forks];
}
