/*
 * Which rows changed after an earlier moment? A row covers a span of sequences: from its request to its last change. The question is
 * which of these spans contain the moment. There are millions of spans; most are short, a few are long.
 *
 * 1. Imagine a binary tree over all sequences. A node at a multiple of 2^k covers 2^k sequences on each side.
 * 2. A span is stored at its fork: the highest node within the span.
 * 3. A span that contains a moment has its fork on the path from the root to that moment. For a moment that is a range, the fork may
 *    also be within the range.
 * 4. A query therefore needs at most two look-ups for each doubling of the log: about sixty for a billion messages.
 *
 * Source: Kriegel, Pötke, Seidl, Managing Intervals Efficiently in Object-Relational Databases, 2000.
 */

/** The fork of a span; `null` when the span begins and ends at the same sequence. */
export function forkOf(from: number, to: number): number | null {
  if (from === to) return null;
  let step = 1;
  while (Math.floor(from / step) !== Math.floor(to / step)) step *= 2;
  step /= 2;
  return Math.floor(to / step) * step;
}

/**
 * The forks outside a range whose spans may reach into the range. No span may end after `last`. All other spans that overlap the
 * range have their fork within it.
 */
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
