import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';

describe('the virtual clock', () => {
  test('a move that reaches the next period calls back once, before the timers of that moment', () => {
    const clock = createVirtualClock(0);
    const calls: string[] = [];
    clock.every(5, () => calls.push('period'));
    clock.after(15, () => calls.push('timer'));
    clock.moveTo(4);
    expect(calls).toEqual([]);
    clock.moveTo(15);
    expect(calls).toEqual(['period', 'timer']);
  });

  test('a period does not count as the next moment, and ends when it is cancelled', () => {
    const clock = createVirtualClock(0);
    let periods = 0;
    const cancel = clock.every(5, () => periods++);
    expect(clock.nextAt).toBe(Number.POSITIVE_INFINITY);
    clock.moveTo(5);
    cancel();
    clock.moveTo(20);
    expect(periods).toBe(1);
  });
});
