import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDueTimes } from '#src/scheduler/open/chunked-lists.ts';

describe('due times', () => {
  test('return the due slots, the earliest first, each once, as a sorted list does', () => {
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 0, max: 3 }), at: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ takeAt: fc.integer({ min: 0, max: 50 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const dueTimes = createDueTimes();
        const model: { slot: number; at: number }[] = [];
        for (const given of steps) {
          if ('add' in given) {
            dueTimes.add(given.add, given.at);
            model.push({ slot: given.add, at: given.at });
            continue;
          }
          const earliest = Math.min(...model.map(({ at }) => at));
          const taken = dueTimes.takeDue(given.takeAt);
          // Slots that are due at the same moment may come in any order.
          const index = model.findIndex(({ slot, at }) => at === earliest && slot === taken);
          if (earliest > given.takeAt) expect(taken).toBeUndefined();
          else expect(index).toBeGreaterThanOrEqual(0);
          if (index >= 0) model.splice(index, 1);
          expect(dueTimes.size).toBe(model.length);
        }
      }),
    );
  });

  test('hold ten thousand slots', () => {
    const dueTimes = createDueTimes();
    for (let index = 0; index < 10_000; index++) dueTimes.add(index, (index * 7_919) % 10_007);
    const order: number[] = [];
    for (let slot = dueTimes.takeDue(10_007); slot !== undefined; slot = dueTimes.takeDue(10_007)) order.push((slot * 7_919) % 10_007);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).toHaveLength(10_000);
  });
});
