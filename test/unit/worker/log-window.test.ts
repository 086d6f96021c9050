import { describe, expect, test } from 'vitest';
import { createLogWindow } from '#src/worker/log-window.ts';

/** A window whose process was this busy in each of the given spans of 50 ms; its size after each. */
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

describe('the window of the streams that wait for the log', () => {
  test('grows while the process has time left, for a log that is slow or far away', () => {
    expect(sizesWhen(Array(6).fill(0.3))).toEqual([128, 256, 512, 1_024, 1_024, 1_024]);
  });

  test('shrinks while the process is busy anyway, but never so far that it would wait for nothing', () => {
    expect(sizesWhen([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])).toEqual([128, 256, 512, 1_024, 512, 256, 128, 64, 64, 64]);
  });
});
