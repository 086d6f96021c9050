import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forkOf, forksAround } from '#src/projection/fold/forks.ts';

const sequence = fc.integer({ min: 1, max: 2 ** 50 });
const spans = fc.record({ from: sequence, length: fc.integer({ min: 1, max: 5_000 }) });
const ranges = fc.record({ low: sequence, width: fc.integer({ min: 0, max: 2_048 }) });

describe('the fork of a span', () => {
  test('is found from every range that the span reaches into, with fewer than 110 look-ups', () => {
    fc.assert(
      fc.property(spans, ranges, ({ from, length }, { low, width }) => {
        for (const start of [low, from - 5, from, from + length - 1, from + length]) {
          const [begin, end] = [Math.max(1, start), Math.max(1, start) + width];
          const reachesIn = from <= end && from + length >= begin;
          const fork = forkOf(from, from + length) ?? 0;
          const forks = forksAround({ low: begin, high: end, last: Math.max(end, from + length) });
          if (reachesIn) expect(forks.includes(fork) || (fork >= begin && fork <= end)).toBe(true);
          expect(forks.length).toBeLessThan(110);
        }
      }),
    );
    expect(forkOf(7, 7)).toBeNull();
  });
});
