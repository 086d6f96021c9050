import { describe, expect, test } from 'vitest';
import type { LedgerEntry, Waiter } from '#src/core/flow/ledger-entry.ts';
import { MAX_WAITERS } from '#src/scheduler/slots/selection.ts';
import { type Flow, openReady, openWaiters, PATIENCE_MS, START } from '#test/support/scheduler/opened-waiters.ts';
import { ORDERS, POOL } from '#test/support/scheduler/waiting-log.ts';

const attempt = (invocation: string, key: string) => ({ key, function: ORDERS, invocation, attempt: 1, request: 1 });
const entryOf = (holders: LedgerEntry['holders'], waiters: LedgerEntry['waiters'] = []): LedgerEntry => ({ holders, waiters });
const waiter = (invocation: string, key: string, more: Partial<Waiter> = {}): Waiter => ({
  ...attempt(invocation, key),
  perKey: 1,
  ...more,
});
const numbered = (count: number, start = 0): string[] => Array.from({ length: count }, (_, number) => `k${start + number}`);
const KEYED: Flow = { concurrency: 1, key: '$.key' };

describe('the plan of an entry (SLOT6)', () => {
  test('is empty before the log is read up to its last message, and without the right to work', async () => {
    const opened = openWaiters(KEYED, { last: 5 });
    opened.queueUp(['x']);
    for (const _ of [1, 2]) {
      expect(opened.plan()).toEqual({ waits: [], withdrawals: [] });
      await new Promise(setImmediate);
    }
    opened.queueUp(['y', 'z']);
    expect(opened.plan().waits).toEqual(['x-0', 'y-0', 'z-0']);
    opened.become({ takesWork: false });
    expect(opened.plan().waits).toEqual([]);
  });

  test('has those of each key that find a slot, and as many for the next ones', async () => {
    const opened = await openReady({ concurrency: 2, key: '$.key' });
    opened.queueUp(['x', 'y'], 9);
    const { waits } = opened.plan();
    expect(waits.slice(0, 4)).toEqual(['x-0', 'y-0', 'x-1', 'y-1']);
    expect(waits.slice(4).sort()).toEqual(['x-2', 'x-3', 'y-2', 'y-3']);
  });

  test('has the next one of a key when one of its attempts got a slot, or left', async () => {
    const opened = await openReady(KEYED);
    opened.queueUp(['x', 'y'], 9);
    const listed = ['x-0', 'y-0', 'x-1', 'y-1'];
    expect(opened.plan().waits).toEqual(listed);
    const entry = entryOf(
      [],
      listed.map((id) => waiter(id, id.slice(0, 1))),
    );
    expect(opened.plan(entry).waits).toEqual([]);
    expect(
      opened.plan(
        entryOf(
          [attempt('x-0', 'x')],
          entry.waiters.filter(({ invocation }) => invocation !== 'x-0'),
        ),
      ).waits,
    ).toEqual([]);
    const freed = entryOf(
      [attempt('x-1', 'x')],
      entry.waiters.filter(({ key }) => key === 'y'),
    );
    expect(opened.plan(freed).waits).toEqual(['x-2']);
  });

  test('has those that find a slot before all that wait for the next ones', async () => {
    const opened = await openReady({ concurrency: 1, key: '$.key', order: 'fifo' });
    opened.queueUp(['x', 'y'], 2);
    expect(opened.plan(entryOf([attempt('other', 'x')])).waits).toEqual(['y-0', 'x-0', 'y-1', 'x-1']);
  });

  test('has keys in turns, and full keys in a half of the waiters', async () => {
    const opened = await openReady({ concurrency: 1_000, key: '$.key' });
    opened.queueUp(['x', 'y'], 200);
    const { waits } = opened.plan();
    expect([waits.length, waits.filter((id) => id.startsWith('x')).length]).toEqual([MAX_WAITERS, MAX_WAITERS / 2]);

    const full = await openReady(KEYED);
    full.queueUp(numbered(200));
    expect(full.plan(entryOf(numbered(200).map((key) => attempt(`holder-${key}`, key)))).waits).toHaveLength(MAX_WAITERS / 2);
  });

  test('has attempts of a key with a free slot although many keys are full', async () => {
    const opened = await openReady(KEYED);
    opened.queueUp(numbered(200));
    const holders = numbered(200).map((key) => attempt(`holder-${key}`, key));
    const { waits } = opened.plan(entryOf(holders));
    opened.queueUp(['free']);
    expect(
      opened.plan(
        entryOf(
          holders,
          waits.map((id) => waiter(id, id.slice(0, -2))),
        ),
      ).waits,
    ).toEqual(['free-0']);
  });

  test('has other attempts instead of waiters that no worker started although they may start', async () => {
    const opened = await openReady(KEYED);
    opened.queueUp(numbered(2 * MAX_WAITERS));
    const waiters = opened.plan().waits.map((id) => waiter(id, id.slice(0, -2), { freeSince: START }));
    expect(opened.plan(entryOf([], waiters))).toEqual({ waits: [], withdrawals: [] });
    opened.advance(2_000);
    expect(opened.plan(entryOf([], waiters)).withdrawals).toHaveLength(MAX_WAITERS);
    expect(opened.plan().waits).toEqual(numbered(MAX_WAITERS, MAX_WAITERS).map((key) => `${key}-0`));
    // They come back at the end of the turns, at once.
    expect(opened.plan().waits.slice(0, 2)).toEqual(['k0-0', 'k1-0']);
  });

  test('in the order of the log, a waiter that leaves takes the later ones of its key along (SLOT7)', async () => {
    const opened = await openReady({ ...KEYED, order: 'fifo' });
    opened.queueUp(['x'], 2);
    const first = opened.plan().waits;
    opened.queueUp(numbered(MAX_WAITERS));
    const listed = (ids: readonly string[]) =>
      ids.map((id) => waiter(id, id.slice(0, -2), { fifo: 'hold', ...(id === 'x-1' ? {} : { freeSince: START }) }));
    const more = opened.plan(entryOf([], listed(first))).waits;
    const entry = entryOf([], listed([...first, ...more]));
    expect([first, entry.waiters.length]).toEqual([['x-0', 'x-1'], MAX_WAITERS]);
    opened.advance(2_000);
    expect(opened.plan(entry).withdrawals.sort()).toEqual([...first, ...more].sort());
  });

  test('in the order of the log, no attempt may start behind a waiter of its key (SLOT7)', async () => {
    const opened = await openReady({ ...KEYED, order: 'fifo' });
    opened.queueUp(['x'], 2);
    opened.advance(2_000);
    opened.queueUp(['y']);
    const unstarted = entryOf([], [waiter('x-0', 'x', { fifo: 'hold', freeSince: START })]);
    expect(opened.plan(unstarted).waits).toEqual(['y-0', 'x-1']);
  });

  test('takes no longer for a change when ten thousand other keys wait', async () => {
    const opened = await openReady(KEYED);
    opened.queueUp(numbered(10_000));
    const taken: string[] = [];
    const pool = opened.streams.waiting.pools.get(POOL);
    const takeReady = pool?.takeReady.bind(pool);
    // All of them had their turn.
    while (takeReady?.() !== undefined);
    const takeOne = () => {
      const key = takeReady?.();
      if (key !== undefined) taken.push(key.id);
      return key;
    };
    Object.assign(pool ?? {}, { takeReady: takeOne });
    opened.queueUp(['new']);
    expect(opened.plan().waits).toEqual(['new-0']);
    expect(taken).toEqual(['orders/new']);
  });

  test('has nothing of a paused function, whose waiters leave the entry, and all of it when it goes on', async () => {
    const opened = await openReady(KEYED);
    opened.queueUp(['x', 'y']);
    opened.become({ isPaused: true });
    expect(opened.plan(entryOf([], [waiter('x-0', 'x')]))).toEqual({ waits: [], withdrawals: ['x-0'] });
    opened.slots.check(START);
    expect(opened.plan().waits).toEqual([]);
    opened.become({ isPaused: false });
    opened.advance(PATIENCE_MS + 1_000);
    opened.slots.check(START + PATIENCE_MS + 1_000);
    expect(opened.plan().waits.sort()).toEqual(['x-0', 'y-0']);
  });

  test('has no attempt that left the entry, before the patience ends', async () => {
    const opened = await openReady(KEYED);
    opened.queueUp(['x']);
    opened.slots.entryChanged(POOL, entryOf([attempt('x-0', 'x')]));
    opened.slots.entryChanged(POOL, undefined);
    expect(opened.plan().waits).toEqual([]);
    opened.advance(PATIENCE_MS - 1);
    opened.slots.check(START + PATIENCE_MS - 1);
    expect(opened.plan().waits).toEqual([]);
    opened.advance(1);
    opened.slots.check(START + PATIENCE_MS);
    expect(opened.plan().waits).toEqual(['x-0']);
  });

  test('has a request in the order of the log only when all earlier ones have their place (SLOT7)', async () => {
    const opened = await openReady({ concurrency: 1, key: '$.key', order: 'fifo' });
    opened.request('unread');
    opened.queueUp(['x'], 3);
    expect(opened.plan().waits).toEqual([]);
    opened.wait('unread', 'y');
    expect(opened.plan().waits.sort()).toEqual(['unread', 'x-0', 'x-1']);
  });

  test('has later requests as soon as the last one of an earlier message has its place (SLOT7)', async () => {
    const opened = await openReady({ concurrency: 1, key: '$.key', order: 'fifo' });
    opened.request('batch', true);
    opened.waitAll('batch', ['a', ''], true);
    opened.queueUp(['x']);
    expect(opened.plan().waits).toEqual([]);
    opened.waitAll('batch', ['a', 'b']);
    expect(opened.plan().waits).toHaveLength(3);
  });

  test('has the waiters of a plan again whose write was refused', async () => {
    const opened = await openReady(KEYED);
    opened.queueUp(['x', 'y']);
    expect(opened.plan().waits).toEqual(['x-0', 'y-0']);
    // Another process wrote the entry before, without them.
    expect(opened.plan(entryOf([], [waiter('x-0', 'x')])).waits).toEqual(['y-0']);
    expect(opened.plan(entryOf([], [waiter('x-0', 'x'), waiter('y-0', 'y')])).waits).toEqual([]);
  });

  test('has a request in the order of the log also when an earlier one ended without a wait (SLOT7)', async () => {
    const opened = await openReady({ concurrency: 1, key: '$.key', order: 'fifo' });
    opened.request('canceled');
    opened.queueUp(['x']);
    expect(opened.plan().waits).toEqual([]);
    opened.settle('canceled');
    opened.slots.check(START + 1_000);
    expect(opened.plan().waits).toEqual(['x-0']);
  });
});

describe('a stream that waits', () => {
  test.for([
    ['was removed', undefined],
    ['was moved to a pool', { ...KEYED, pool: 'erp' }],
  ] as const)('is woken when the flow of its function %s, 32 of a key at once', async ([, flow]) => {
    const opened = await openReady(KEYED);
    opened.queueUp(['x'], 40);
    opened.become({ flow });
    expect(opened.plan().waits).toEqual([]);
    expect(opened.woken).toHaveLength(32);
    expect(opened.woken[0]).toMatch(/^x-0 x-0\.\d+\.moved-/);
    opened.plan();
    expect(opened.woken).toHaveLength(40);
  });
});

describe('an entry is planned again', () => {
  test('when an attempt begins to wait, unless the entry is full, and each second while keys are ready', async () => {
    const opened = await openReady(KEYED);
    expect(opened.slots.nextDueAt).toBe(Number.POSITIVE_INFINITY);
    opened.queueUp(['x'], 2);
    expect(opened.planned).toEqual([POOL, POOL]);
    opened.slots.check(START);
    expect(opened.planned).toHaveLength(3);
    expect(opened.slots.nextDueAt).toBe(START + 1_000);
    opened.slots.check(START + 1_000);
    expect(opened.planned).toHaveLength(4);
    opened.slots.entryChanged(
      POOL,
      entryOf(
        [],
        numbered(MAX_WAITERS).map((key) => waiter(`${key}-0`, key)),
      ),
    );
    const { length } = opened.planned;
    opened.queueUp(['y']);
    expect(opened.planned).toHaveLength(length);
  });

  test('when the next token of a rate is back', async () => {
    const opened = await openReady({ rate: { limit: 1, per: '1s' }, key: '$.key' });
    opened.queueUp(['x']);
    opened.slots.check(START);
    const rate = '1/1000/1' as never;
    const fullAtInMicros = (START + 700) * 1_000;
    opened.slots.plan(POOL, { ...entryOf([]), buckets: [[rate, 'x', fullAtInMicros]] });
    const dueAt = opened.slots.nextDueAt;
    expect(dueAt).toBeGreaterThanOrEqual(START + 700);
    expect(dueAt).toBeLessThanOrEqual(START + 751);
    const before = opened.planned.length;
    opened.slots.check(dueAt - 1);
    expect(opened.planned).toHaveLength(before);
    opened.slots.check(dueAt);
    expect(opened.planned).toHaveLength(before + 1);
  });
});
