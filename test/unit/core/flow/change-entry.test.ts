import { describe, expect, test } from 'vitest';
import { changeEntry } from '#src/core/flow/change-entry.ts';
import { type LedgerEntry, NO_SLOTS, type Waiter } from '#src/core/flow/ledger-entry.ts';

/** An attempt of a function without keys, with the total as its limit. */
function one(invocation: string, total = 2): Waiter {
  return { key: '', function: 'f', invocation, attempt: 1, request: 1, total };
}

/** An attempt of a key. */
function keyed(key: string, invocation: string, limits: { perKey?: number; total?: number } = {}): Waiter {
  return { key, function: 'f', invocation, attempt: 1, request: 1, perKey: 1, ...limits };
}

function acquire(entry: LedgerEntry, acquisitions: readonly Waiter[], mayWait = 0) {
  const { entry: next, answers } = changeEntry(entry, { acquisitions, mayWait });
  return { entry: next, answers: Object.fromEntries([...answers].map(([id, answer]) => [id.split('/')[1], answer])) };
}

const held = ({ holders }: LedgerEntry): string[] => holders.map(({ invocation }) => invocation);
const waiting = ({ waiters }: LedgerEntry): string[] => waiters.map(({ invocation }) => invocation);

describe('a change of the ledger', () => {
  test('gives slots up to the total, and finds an attempt held that holds one (SLOT2, SLOT4)', () => {
    const { entry, answers } = acquire(NO_SLOTS, [one('a'), one('b'), one('c')]);
    expect(answers).toEqual({ a: 'held', b: 'held', c: 'full' });
    expect(acquire(entry, [one('a'), one('c')])).toEqual({ entry, answers: { a: 'held', c: 'full' } });
  });

  test('gives slots up to the limit of each key, and up to the total of all keys', () => {
    const limits = { perKey: 1, total: 2 };
    const { answers } = acquire(NO_SLOTS, [
      keyed('x', 'a', limits),
      keyed('x', 'b', limits),
      keyed('y', 'c', limits),
      keyed('z', 'd', limits),
    ]);
    expect(answers).toEqual({ a: 'held', b: 'key-full', c: 'held', d: 'full' });
  });

  test('passes a freed slot to the attempt that waits, before the one that comes (SLOT5)', () => {
    const { entry } = acquire(NO_SLOTS, [one('a', 1), one('b', 1), one('c', 1)], 1);
    expect([held(entry), waiting(entry)]).toEqual([['a'], ['b']]);
    const { entry: next, answers } = changeEntry(entry, { releases: [one('a')], acquisitions: [one('c', 1)] });
    expect([held(next), [...answers.values()]]).toEqual([['b'], ['full']]);
  });

  test('lets a key with a waiter hold up only that key', () => {
    const { entry } = changeEntry(acquire(NO_SLOTS, [keyed('x', 'a')]).entry, { waits: [keyed('x', 'b')] });
    expect(acquire(entry, [keyed('y', 'c'), keyed('x', 'd')]).answers).toEqual({ c: 'held', d: 'key-full' });
    const freed = changeEntry(entry, { releases: [keyed('x', 'a')], acquisitions: [keyed('x', 'd')] });
    expect([held(freed.entry), [...freed.answers.values()]]).toEqual([['b'], ['key-full']]);
  });

  test('lets a waiter with a low total hold up all others, so that it is not passed for ever', () => {
    const { entry } = acquire(NO_SLOTS, [one('a', 3), one('b', 3), one('low', 1)], 1);
    const freed = changeEntry(entry, { releases: [one('a')], acquisitions: [one('c', 3)] });
    expect([held(freed.entry), waiting(freed.entry)]).toEqual([['b'], ['low']]);
    expect(held(changeEntry(freed.entry, { releases: [one('b')], acquisitions: [one('c', 3)] }).entry)).toEqual(['low', 'c']);
  });

  test('keeps the slot of a waiter that got it before it was withdrawn', () => {
    const { entry } = acquire(NO_SLOTS, [one('a')]);
    expect(held(changeEntry(entry, { withdrawals: [one('a')] }).entry)).toEqual(['a']);
  });

  test('holds running attempts again, whatever the limits say', () => {
    const { entry } = acquire(NO_SLOTS, [one('a', 1)]);
    expect(held(changeEntry(entry, { running: [one('b', 1)], acquisitions: [one('c', 1)] }).entry)).toEqual(['a', 'b']);
  });

  test('is the same a second time', () => {
    const change = { releases: [one('a')], acquisitions: [one('b'), one('c')], mayWait: 1 };
    const once = changeEntry(acquire(NO_SLOTS, [one('a')]).entry, change).entry;
    expect(changeEntry(once, change).entry).toEqual(once);
  });
});
