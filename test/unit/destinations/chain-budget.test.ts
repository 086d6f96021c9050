import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shareOf } from '#src/destinations/tries/delivery-request.ts';

describe('the budget of a chain', () => {
  test.for<[number, number, number[]]>([
    [1_000, 1, [999]],
    [1_000, 3, [333, 332, 332]],
    [3, 3, [0, 0, 0]],
    [2, 3, [0, 0, -1]],
    [0, 2, [-1, -1]],
    [-1, 2, [-1, -1]],
  ])('of %i is divided among %i children as %j', ([budget, count, shares]) => {
    expect(Array.from({ length: count }, (_, index) => shareOf(budget, { index, count }))).toEqual(shares);
  });

  test('is never exceeded: the children and their shares add up to the budget, or every child is cut', () => {
    void fc.assert(
      fc.property(fc.integer({ min: -1, max: 100_000 }), fc.integer({ min: 1, max: 20 }), (budget, count) => {
        const shares = Array.from({ length: count }, (_, index) => shareOf(budget, { index, count }));
        const used = shares.filter((share) => share >= 0).reduce((sum, share) => sum + 1 + share, 0);
        expect(used).toBe(Math.max(0, budget));
      }),
    );
  });
});
