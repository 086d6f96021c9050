import { describe, expect, test } from 'vitest';
import { createLogWindow } from '#src/worker/function-worker.ts';

/** The sizes of a window after each interval of 50 ms, for the given shares of busy time. */
function sizesWhen(shares: readonly number[]): number[] {
  let at = 0;
  let active = 0;
  const utilization = (current = { active, idle: at - active, utilization: 0 }, since = { active: 0, idle: 0, utilization: 0 }) => {
    const spent = { active: current.active - since.active, idle: current.idle - since.idle };
    return { ...spent, utilization: spent.active / (spent.active + spent.idle) };
  };
  const window = createLogWindow(utilization, () => at);
  return shares.map((share) => {
    at += 50;
    active += 50 * share;
    return window.size;
  });
}

describe('the limit of streams in flight', () => {
  test('grows while the event loop has idle time', () => {
    expect(sizesWhen(Array(6).fill(0.3))).toEqual([128, 256, 512, 1_024, 1_024, 1_024]);
  });

  test('shrinks while the event loop is saturated, down to its minimum', () => {
    expect(sizesWhen([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])).toEqual([128, 256, 512, 1_024, 512, 256, 128, 64, 64, 64]);
  });
});
