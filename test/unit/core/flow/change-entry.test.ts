import { describe, expect, test } from 'vitest';
import { changeEntry } from '#src/core/flow/change-entry.ts';
import type { FreeExecutionSlots } from '#src/core/flow/entry-change.ts';
import { MAX_HOLDERS } from '#src/core/flow/holder-room.ts';
import { encodeLedgerEntry, type LedgerEntry, NO_SLOTS, type Waiter } from '#src/core/flow/ledger-entry.ts';

/** An attempt of a function without keys, with the total as its limit. */
function one(invocation: string, total = 2): Waiter {
  return { key: '', function: 'f', invocation, attempt: 1, request: 1, total };
}

/** An attempt of a key. */
function keyed(key: string, invocation: string, limits: { perKey?: number; total?: number } = {}): Waiter {
  return { key, function: 'f', invocation, attempt: 1, request: 1, perKey: 1, ...limits };
}

/** A worker that has so many free places for the function `f`. */
function worker(free: number): FreeExecutionSlots {
  let left = free;
  return { serves: (name) => name === 'f', take: (name) => name === 'f' && left-- > 0 };
}

function acquire(entry: LedgerEntry, acquisitions: readonly Waiter[]) {
  const { entry: next, answers } = changeEntry(entry, { acquisitions, places: worker(0) });
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
    const { entry } = changeEntry(acquire(NO_SLOTS, [one('a', 1)]).entry, { waits: [one('b', 1)] });
    expect([held(entry), waiting(entry)]).toEqual([['a'], ['b']]);
    const freed = changeEntry(entry, { releases: [one('a')], acquisitions: [one('c', 1)], places: worker(1) });
    expect([held(freed.entry), freed.granted.map(({ invocation }) => invocation), [...freed.answers.values()]]).toEqual([
      ['b'],
      ['b'],
      ['full'],
    ]);
  });

  test('lets a key with a waiter hold up only that key', () => {
    const { entry } = changeEntry(acquire(NO_SLOTS, [keyed('x', 'a')]).entry, { waits: [keyed('x', 'b')] });
    expect(acquire(entry, [keyed('y', 'c'), keyed('x', 'd')]).answers).toEqual({ c: 'held', d: 'key-full' });
    const freed = changeEntry(entry, { releases: [keyed('x', 'a')], acquisitions: [keyed('x', 'd')], places: worker(1) });
    expect([held(freed.entry), [...freed.answers.values()]]).toEqual([['b'], ['key-full']]);
  });

  test('gives a freed slot to the waiter of the least rank, and keeps the places of the others (SLOT8)', () => {
    const ranked = (invocation: string, rank: number): Waiter => ({ ...one(invocation, 1), rank });
    const { entry } = changeEntry(acquire(NO_SLOTS, [one('a', 1)]).entry, {
      waits: [ranked('late', 30), one('other', 1), ranked('next', 10), ranked('tie', 10)],
    });
    expect(waiting(entry)).toEqual(['next', 'other', 'tie', 'late']);
    const { entry: freed, answers } = changeEntry(entry, {
      releases: [one('a', 1)],
      acquisitions: [ranked('new', 0)],
      places: worker(1),
    });
    expect([held(freed), waiting(freed), [...answers.values()]]).toEqual([['next'], ['other', 'tie', 'late'], ['full']]);
    const replaced = changeEntry(entry, { withdrawals: [ranked('late', 30)], waits: [ranked('urgent', 0)] }).entry;
    expect(waiting(replaced)).toEqual(['urgent', 'other', 'next', 'tie']);
  });

  test('lets a waiter with a low total hold up all others, so that it is not passed for ever', () => {
    const { entry } = changeEntry(acquire(NO_SLOTS, [one('a', 3), one('b', 3)]).entry, { waits: [one('low', 1)] });
    const freed = changeEntry(entry, { releases: [one('a')], acquisitions: [one('c', 3)], places: worker(1) });
    expect([held(freed.entry), waiting(freed.entry)]).toEqual([['b'], ['low']]);
    const last = changeEntry(freed.entry, { releases: [one('b')], acquisitions: [one('c', 3)], places: worker(1) });
    expect(held(last.entry)).toEqual(['low', 'c']);
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
    const change = { releases: [one('a')], acquisitions: [one('b'), one('c')], waits: [one('d')] };
    const once = changeEntry(acquire(NO_SLOTS, [one('a')]).entry, change).entry;
    expect(changeEntry(once, change).entry).toEqual(once);
  });
});

describe('a waiter and the places of a worker (SLOT6)', () => {
  const waits = [one('a', 9), one('b', 9), one('c', 9)];

  test('gets a slot only with a place, so that no more slots are held than places exist', () => {
    const { entry, granted, lacking } = changeEntry(NO_SLOTS, { waits, places: worker(2) });
    expect([held(entry), waiting(entry), granted.length, [...lacking]]).toEqual([['a', 'b'], ['c'], 2, ['f']]);
    expect(held(changeEntry(NO_SLOTS, { waits }).entry)).toEqual([]);
  });

  test('gets the place of an attempt that asks and comes after it', () => {
    const asked = changeEntry({ ...NO_SLOTS, waiters: waits.slice(0, 1) }, { acquisitions: [one('new', 9)], places: worker(0) });
    expect([held(asked.entry), [...asked.answers.values()], [...asked.borrowed]]).toEqual([['a'], ['full'], [['f', 1]]]);
    const own = changeEntry({ ...NO_SLOTS, waiters: waits.slice(0, 1) }, { acquisitions: [one('a', 9)], places: worker(0) });
    expect([held(own.entry), own.granted, [...own.answers.values()]]).toEqual([['a'], [], ['held']]);
  });

  test('keeps its slot for another worker for a second, and then lets later ones pass (SLOT5)', () => {
    const foreign = { ...one('foreign', 1), function: 'g' };
    const before = changeEntry(NO_SLOTS, { waits: [foreign, one('a', 1)], places: worker(1), now: 1_000 });
    expect([held(before.entry), before.nextAt]).toEqual([[], 2_000]);
    expect(held(changeEntry(before.entry, { places: worker(1), now: 1_999 }).entry)).toEqual([]);
    expect(held(changeEntry(before.entry, { places: worker(1), now: 2_000 }).entry)).toEqual(['a']);
  });

  test('gets no slot when the entry has as many holders as a message can have', () => {
    const holders = Array.from({ length: MAX_HOLDERS }, (_, i) => keyed(`k${i}`, `h${i}`));
    const full = changeEntry({ holders, waiters: [] }, { waits: [keyed('x', 'a')], acquisitions: [keyed('y', 'b')], places: worker(1) });
    expect([full.granted, [...full.answers.values()]]).toEqual([[], ['full']]);
  });

  test('keeps the entry a message, whatever the length of the keys is', () => {
    const longest = (index: number): string => `${index}`.padStart(128, '钥');
    const named = { function: 'f'.repeat(60), invocation: 'i'.repeat(60) };
    const acquisitions = Array.from({ length: MAX_HOLDERS }, (_, i) => ({
      ...keyed(longest(i), ''),
      ...named,
      invocation: `${i}`.padStart(64, 'i'),
    }));
    const full = changeEntry(NO_SLOTS, { acquisitions });
    const holders = full.entry.holders.length;
    expect([holders > 800, holders < MAX_HOLDERS, Buffer.byteLength(encodeLedgerEntry(full.entry)) < 700_000]).toEqual([true, true, true]);
    expect([...full.answers.values()].filter((answer) => answer === 'full')).toHaveLength(MAX_HOLDERS - holders);
    const [first] = acquisitions;
    const freed = changeEntry(full.entry, { releases: first === undefined ? [] : [first], acquisitions: acquisitions.slice(-1) });
    expect([...freed.answers.values()]).toEqual(['held']);
  });

  test('changes nothing, and keeps the same entry, when nothing is given', () => {
    const { entry } = acquire(NO_SLOTS, [one('a', 1)]);
    expect(changeEntry(entry, { acquisitions: [one('b', 1)], releases: [one('z')], places: worker(1) }).entry).toBe(entry);
  });
});

describe('a change of the ledger in the order of the log (SLOT7)', () => {
  const inOrder = (invocation: string, request: number, more: Partial<Waiter> = {}): Waiter => ({
    ...keyed('x', invocation),
    request,
    fifo: 'hold',
    ...more,
  });

  test('gives no slot to an attempt that the scheduler has not put into the entry', () => {
    const { entry, answers } = changeEntry(NO_SLOTS, { acquisitions: [inOrder('a', 1)], places: worker(0) });
    expect([entry, [...answers.values()]]).toEqual([NO_SLOTS, ['key-full']]);
    const granted = changeEntry(entry, { waits: [inOrder('a', 1)], places: worker(1) }).entry;
    expect([...changeEntry(granted, { acquisitions: [inOrder('a', 1)] }).answers.values()]).toEqual(['held']);
  });

  test('puts an attempt before the waiters of its key whose requests are later, and before no other', () => {
    const { entry } = changeEntry(NO_SLOTS, {
      waits: [inOrder('a', 1), inOrder('d', 4), keyed('y', 'o'), keyed('y', 'p'), inOrder('c', 3)],
      places: worker(9),
    });
    expect([held(entry), waiting(entry)]).toEqual([
      ['a', 'o'],
      ['p', 'c', 'd'],
    ]);
    const same = changeEntry(entry, { waits: [inOrder('b0001', 2), inOrder('b0000', 2)] }).entry;
    expect(waiting(same)).toEqual(['p', 'b0000', 'b0001', 'c', 'd']);
  });

  test('lets the next attempt of an invocation take over the slot that a failed one kept', () => {
    const { entry } = changeEntry(NO_SLOTS, { waits: [inOrder('a', 1), inOrder('b', 2)], places: worker(9) });
    const asked = changeEntry(entry, { acquisitions: [inOrder('a', 1, { attempt: 2 })] });
    expect([...asked.answers.values()]).toEqual(['held']);
    expect(asked.entry.holders).toEqual([{ key: 'x', function: 'f', invocation: 'a', attempt: 2, request: 1, fifo: 'hold' }]);
    expect(waiting(asked.entry)).toEqual(['b']);
    const waited = changeEntry(entry, { waits: [inOrder('a', 1, { attempt: 2 })], places: worker(1) }).entry;
    expect(waited.holders).toEqual(asked.entry.holders);
  });

  test('frees a kept slot for the next attempt of its invocation when that has another key', () => {
    const { entry } = changeEntry(NO_SLOTS, { waits: [inOrder('a', 1, { total: 1 })], places: worker(1) });
    const moved = changeEntry(entry, { acquisitions: [{ ...keyed('y', 'a', { total: 1 }), attempt: 2 }] });
    expect(moved.entry.holders).toMatchObject([{ key: 'y', attempt: 2 }]);
    const unordered = changeEntry(entry, { acquisitions: [{ ...keyed('x', 'a'), attempt: 2 }] });
    expect([...unordered.answers.values()]).toEqual(['held']);
  });

  test('never gives the slot of a key to another attempt while it is kept', () => {
    const { entry } = changeEntry(NO_SLOTS, { waits: [inOrder('a', 1), inOrder('b', 2)], places: worker(9) });
    expect(held(changeEntry(entry, { waits: [inOrder('b', 2), inOrder('c', 3)], places: worker(9) }).entry)).toEqual(['a']);
  });
});
