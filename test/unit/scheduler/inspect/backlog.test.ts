import { describe, expect, test } from 'vitest';
import type { FunctionName } from '#src/core/names/names.ts';
import { createBacklog } from '#src/scheduler/inspect/backlog.ts';

const NAME = 'hello' as FunctionName;

/** A backlog whose queue was delivered up to `upTo`, at a time that the test sets. */
function backlogWith(deliveredUpTo: () => Promise<number>) {
  const time = { now: 0 };
  const clock = { now: () => time.now, sleep: () => Promise.resolve() };
  return { time, backlog: createBacklog({ deliveredUpTo, clock }) };
}

describe('what is known about a queue without a question', () => {
  test('is nothing before the first answer', async () => {
    const { backlog } = backlogWith(async () => 10);
    expect(backlog.isKnownToHold(NAME, 11)).toBe(false);
    const asked = backlog.holds(NAME, 11);
    expect(backlog.isKnownToHold(NAME, 11)).toBe(false);
    await asked;
    expect(backlog.isKnownToHold(NAME, 11)).toBe(true);
  });

  test('is what the last answer says of each item', async () => {
    const { backlog } = backlogWith(async () => 10);
    await backlog.holds(NAME, 11);
    expect([9, 10, 11, 12].map((sequence) => backlog.isKnownToHold(NAME, sequence))).toEqual([false, false, true, true]);
    expect(backlog.isKnownToHold('other' as FunctionName, 11)).toBe(false);
  });

  test('is nothing once the answer is a second old', async () => {
    const { time, backlog } = backlogWith(async () => 10);
    await backlog.holds(NAME, 11);
    time.now = 999;
    expect(backlog.isKnownToHold(NAME, 11)).toBe(true);
    time.now = 1_000;
    expect(backlog.isKnownToHold(NAME, 11)).toBe(false);
  });

  test('is nothing after a question that failed, and the failure reaches who asked', async () => {
    const { backlog } = backlogWith(() => Promise.reject(new Error('no answer')));
    await expect(backlog.holds(NAME, 11)).rejects.toThrow('no answer');
    expect(backlog.isKnownToHold(NAME, 11)).toBe(false);
  });
});
