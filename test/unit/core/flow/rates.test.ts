import { describe, expect, test } from 'vitest';
import { changeEntry } from '#src/core/flow/change-entry.ts';
import { decodeLedgerEntry, encodeLedgerEntry, type LedgerEntry, NO_SLOTS, type Waiter } from '#src/core/flow/ledger-entry.ts';
import { type Flow, limitsOf } from '#src/core/functions/flow.ts';
import { createSeededRandom } from '#test/support/seeded-random.ts';

const TEN_A_SECOND: Flow = { rate: { limit: 10, per: '1s', burst: 3 } };

function one(invocation: string, flow: Flow = TEN_A_SECOND, key = ''): Waiter {
  return { key, function: 'f', invocation, attempt: 1, request: 1, ...limitsOf(flow) };
}

function acquire(entry: LedgerEntry, acquisitions: readonly Waiter[], now: number) {
  const { entry: next, answers } = changeEntry(entry, { acquisitions, now });
  return { entry: next, answers: [...answers.values()] };
}

const start = (entry: LedgerEntry, starts: readonly Waiter[], now: number): LedgerEntry => changeEntry(entry, { starts, now }).entry;
/** The attempts that hold a token. One that used its token stays in the entry until it is over, without a slot. */
const held = ({ holders }: LedgerEntry): string[] =>
  holders.flatMap(({ invocation, rate, isSlotless }) => (rate || !isSlotless ? [invocation] : []));

describe('a rate', () => {
  test('gives tokens up to the burst at once, and then says when the next one is back (RATE1)', () => {
    const { entry, answers } = acquire(NO_SLOTS, [one('a'), one('b'), one('c'), one('d')], 1_000);
    expect(answers).toEqual(['held', 'held', 'held', { dueAt: 1_100 }]);
    expect(held(entry)).toEqual(['a', 'b', 'c']);
  });

  test('counts a token as missing from the start of its attempt on, however late that is (RATE2)', () => {
    const { entry } = acquire(NO_SLOTS, [one('a'), one('b'), one('c')], 1_000);
    // Nothing has started for five seconds. All three may start now, so nothing else may.
    expect(acquire(entry, [one('d')], 6_000).answers).toEqual([{ dueAt: 6_100 }]);
    const started = start(entry, [one('a'), one('b'), one('c')], 6_000);
    expect(held(started)).toEqual([]);
    expect(acquire(started, [one('d')], 6_099).answers).toEqual([{ dueAt: 6_100 }]);
    expect(acquire(started, [one('d'), one('e')], 6_100).answers).toEqual(['held', { dueAt: 6_200 }]);
  });

  test('uses one token of an attempt that started, whatever is written again', () => {
    const { entry } = acquire(NO_SLOTS, [one('a')], 1_000);
    const once = start(entry, [one('a')], 1_000);
    expect(start(once, [one('a')], 1_000)).toEqual(once);
    const over = changeEntry(once, { releases: [one('a')], now: 1_000 }).entry;
    expect(over).toEqual({ ...once, holders: [] });
    expect(changeEntry(over, { starts: [one('a')], now: 1_000 }).entry).toBe(over);
  });

  test('uses the token of an attempt that is over, because the attempt may have started', () => {
    const { entry } = acquire(NO_SLOTS, [one('a'), one('b'), one('c')], 1_000);
    const over = changeEntry(entry, { releases: [one('a'), one('b'), one('c')], now: 1_000 }).entry;
    expect(acquire(over, [one('d')], 1_000).answers).toEqual([{ dueAt: 1_100 }]);
  });

  test('gives the tokens that came back to those that wait, in their order, in one write', () => {
    const { entry } = acquire(NO_SLOTS, [one('a'), one('b'), one('c')], 0);
    const waits = ['d', 'e', 'f', 'g'].map((name) => one(name));
    const waiting = changeEntry(start(entry, [one('a'), one('b'), one('c')], 0), { waits, now: 0 }).entry;
    const places = { serves: () => true, take: () => true };
    const later = changeEntry(waiting, { acquisitions: [one('new')], now: 250, places });
    expect(held(later.entry)).toEqual(['d', 'e']);
    // The next token is back at 300, and another one soon after it.
    expect(later.nextAt).toBe(350);
    expect([...later.answers.values()]).toEqual([{ dueAt: 300 }]);
  });

  test('is of each key, and a key without tokens holds up no other key', () => {
    const flow: Flow = { key: '$.key', rate: { limit: 1, per: '1m' } };
    const { entry, answers } = acquire(NO_SLOTS, [one('a', flow, 'x'), one('b', flow, 'x'), one('c', flow, 'y')], 1_000);
    expect(answers).toEqual(['held', { dueAt: 61_000 }, 'held']);
    expect(held(entry)).toEqual(['a', 'c']);
  });

  test('holds together with a concurrency: the slot stays when the token is used', () => {
    const flow: Flow = { concurrency: 1, rate: { limit: 10, per: '1s' } };
    const { entry } = acquire(NO_SLOTS, [one('a', flow)], 1_000);
    const started = start(entry, [one('a', flow)], 1_000);
    expect(held(started)).toEqual(['a']);
    expect(acquire(started, [one('b', flow)], 1_000).answers).toEqual(['full']);
    expect(acquire(changeEntry(started, { releases: [one('a', flow)], now: 2_000 }).entry, [one('b', flow)], 2_000).answers).toEqual([
      'held',
    ]);
  });

  test('keeps no state of full buckets, and reads as it was written', () => {
    const { entry } = acquire(NO_SLOTS, [one('a')], 1_000);
    const started = start(entry, [one('a')], 1_000);
    expect(started.buckets).toEqual([['10/1000/3', '', 1_100_000]]);
    for (const written of [entry, started]) expect(decodeLedgerEntry(encodeLedgerEntry(written))).toEqual(written);
    expect(changeEntry(started, { releases: [one('a')], now: 1_101 }).entry).toEqual(NO_SLOTS);
  });

  test('lets the burst and the rate start in any time, and uses all of it, whenever attempts start', () => {
    const random = createSeededRandom(7);
    const starts: number[] = [];
    const standing: { waiter: Waiter; startAt: number }[] = [];
    let entry: LedgerEntry = NO_SLOTS;
    for (let now = 0; now < 60_000; now += 10) {
      const { entry: next, answers } = acquire({ ...entry, waiters: [] }, [one(`i${now}`)], now);
      entry = { ...next, holders: next.holders.filter(({ rate }) => rate !== undefined), waiters: [] };
      // Some stand still for up to five seconds before they start.
      if (answers[0] === 'held')
        standing.push({ waiter: one(`i${now}`), startAt: now + (random() < 0.02 ? random() * 5_000 : random() * 20) });
      const due = standing.filter(({ startAt }) => startAt <= now);
      for (const started of due) standing.splice(standing.indexOf(started), 1);
      starts.push(...due.map(() => now));
      entry = start(
        entry,
        due.map(({ waiter }) => waiter),
        now,
      );
    }
    const most = (windowInMs: number) =>
      Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + windowInMs).length));
    for (const windowInMs of [100, 1_000, 10_000]) expect(most(windowInMs)).toBeLessThanOrEqual(3 + windowInMs / 100);
    expect(starts.length).toBeGreaterThan(500);
  });
});
