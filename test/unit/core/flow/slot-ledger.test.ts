import { describe, expect, test } from 'vitest';
import { ConflictError } from '#src/core/errors.ts';
import { decodeLedgerEntry, type Waiter } from '#src/core/flow/ledger-entry.ts';
import { createSlotLedger } from '#src/core/flow/slot-ledger.ts';
import { type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { rateTextOf } from '#src/core/functions/rate.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import { silentLogger } from '#src/core/ports/logger.ts';

const pool: PoolId = poolOf('f' as FunctionName, {});
const one = (invocation: string, total = 1): Waiter => ({ key: '', function: 'f', invocation, attempt: 1, request: 1, total });
const keyed = (key: string, invocation: string): Waiter => ({ key, function: 'f', invocation, attempt: 1, request: 1, perKey: 1 });

function open(store: KeyValue, epoch = () => 0) {
  const closing = new AbortController();
  const ledger = createSlotLedger({ store, clock: systemClock, logger: silentLogger, epoch, signal: closing.signal });
  return { ...ledger, [Symbol.dispose]: () => closing.abort() };
}

async function heldIn(store: KeyValue): Promise<string[]> {
  return decodeLedgerEntry((await store.get(pool))?.value).holders.map(({ invocation }) => invocation);
}

function countedStore(): { store: KeyValue; writes: () => number } {
  const store = createMemoryKeyValue();
  let writes = 0;
  const put: KeyValue['put'] = async (...given) => {
    writes++;
    return await store.put(...given);
  };
  return { store: { ...store, put }, writes: () => writes };
}

describe('the ledger of slots', () => {
  test('gives all that come during a write their slots by the next write', async () => {
    const { store, writes } = countedStore();
    using ledger = open(store);
    const acquired = await Promise.all(Array.from({ length: 50 }, (_, i) => ledger.acquire(pool, one(`i${i}`, 100), 'no')));
    expect(new Set(acquired)).toEqual(new Set(['held']));
    expect(writes()).toBeLessThanOrEqual(2);
  });

  test('never gives more slots than the limit, however many processes want them', async () => {
    const store = createMemoryKeyValue();
    let most = 0;
    let held = 0;
    const ledgers = [open(store), open(store), open(store), open(store)];
    const work = async (ledger: (typeof ledgers)[number], name: string): Promise<void> => {
      expect(await ledger.acquire(pool, one(name, 3), 'no')).toBe('held');
      most = Math.max(most, ++held);
      await systemClock.sleep(1);
      held--;
      ledger.release(pool, one(name, 3));
    };
    await Promise.all(ledgers.flatMap((ledger, number) => Array.from({ length: 25 }, (_, i) => work(ledger, `${number}-${i}`))));
    expect(most).toBe(3);
    await Promise.all(ledgers.map((ledger) => ledger.close()));
    expect(await heldIn(store)).toEqual([]);
    for (const ledger of ledgers) ledger[Symbol.dispose]();
  });

  test('passes a slot on to another process that waits', async () => {
    const store = createMemoryKeyValue();
    using first = open(store);
    using second = open(store);
    await first.acquire(pool, one('a'), 'no');
    const waiting = second.acquire(pool, one('b'), 'no');
    const own = first.acquire(pool, one('c'), 'no');
    await expect.poll(async () => decodeLedgerEntry((await store.get(pool))?.value).waiters.length, { timeout: 20_000 }).toBe(2);
    const [next] = decodeLedgerEntry((await store.get(pool))?.value).waiters;
    first.release(pool, one('a'));
    expect(await (next?.invocation === 'b' ? waiting : own)).toBe('held');
    expect(await heldIn(store)).toEqual([next?.invocation]);
  });

  test('says that a key is full, and that a slot is held which another process took for the attempt (SLOT4)', async () => {
    const store = createMemoryKeyValue();
    using dead = open(store);
    using alive = open(store);
    await dead.acquire(pool, keyed('x', 'a'), 'first');
    expect(await alive.acquire(pool, keyed('x', 'b'), 'first')).toBe('key-full');
    expect(await alive.acquire(pool, keyed('x', 'a'), 'first')).toBe('held');
  });

  test.for(['before it is stored', 'after it is stored'] as const)('resolves a write that fails %s by reading the entry', async (when) => {
    const store = createMemoryKeyValue();
    let failures = 2;
    const put: KeyValue['put'] = async (...given) => {
      if (failures-- <= 0) return await store.put(...given);
      if (when === 'after it is stored') await store.put(...given);
      throw new Error('no answer');
    };
    using ledger = open({ ...store, put });
    expect(await ledger.acquire(pool, one('a'), 'no')).toBe('held');
    ledger.release(pool, one('a'));
    await ledger.close();
    expect(await heldIn(store)).toEqual([]);
  });

  test('keeps an attempt without a token until the token is back, when the attempt may not wait in the log', async () => {
    const store = createMemoryKeyValue();
    using ledger = open(store);
    const rated = (name: string): Waiter => ({ ...one(name), total: undefined, rate: rateTextOf({ limit: 10, perInMs: 1_000, burst: 1 }) });
    expect(await ledger.acquire(pool, rated('a'), 'no')).toBe('held');
    const startedAt = Date.now();
    ledger.start(pool, rated('a'));
    expect(await ledger.acquire(pool, rated('b'), 'no')).toBe('held');
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(100);
    expect(await heldIn(store)).toEqual(['b']);
  });

  const tokenOf = (name: string, burst = 100): Waiter => ({
    ...one(name),
    total: undefined,
    rate: rateTextOf({ limit: burst, perInMs: 1_000, burst }),
  });
  const waitersIn = async (store: KeyValue): Promise<number> => decodeLedgerEntry((await store.get(pool))?.value).waiters.length;

  test('uses the tokens of attempts that start soon after each other by one write', async () => {
    const { store, writes } = countedStore();
    using ledger = open(store);
    const attempts = Array.from({ length: 20 }, (_, i) => tokenOf(`i${i}`));
    await Promise.all(attempts.map((attempt) => ledger.acquire(pool, attempt, 'no')));
    const before = writes();
    for (const attempt of attempts) ledger.start(pool, attempt);
    await expect.poll(() => heldIn(store), { timeout: 20_000 }).toEqual([]);
    expect(writes() - before).toBe(1);
  });

  test('uses the token of an attempt that started before it closes', async () => {
    const { store } = countedStore();
    using ledger = open(store);
    await ledger.acquire(pool, tokenOf('a'), 'no');
    ledger.start(pool, tokenOf('a'));
    await ledger.close();
    expect(await heldIn(store)).toEqual([]);
  });

  test('has a few of its attempts that wait for tokens in the entry, and one that waits for a slot (SLOT5)', async () => {
    const { store } = countedStore();
    using ledger = open(store);
    const attempts = Array.from({ length: 150 }, (_, i) => tokenOf(`i${i}`));
    const acquired = attempts.map((attempt) => ledger.acquire(pool, attempt, 'no'));
    await Promise.all(acquired.slice(0, 100));
    await expect.poll(() => waitersIn(store), { timeout: 20_000 }).toBe(8);
    ledger.endWaits('f', 'changed');
    expect(await Promise.all(acquired.slice(100))).toEqual(Array.from({ length: 50 }, () => 'changed'));

    const slots = ['x', 'y', 'z'].map((name) => ledger.acquire(pool, { ...one(name), function: 'g' }, 'no'));
    expect(await slots[0]).toBe('held');
    await expect.poll(() => waitersIn(store), { timeout: 20_000 }).toBe(1);
  });

  test('decides again after a conflict', async () => {
    const store = createMemoryKeyValue();
    using other = open(store);
    let conflicts = 0;
    const put: KeyValue['put'] = async (...given) => {
      if (conflicts++ === 0) await other.acquire(pool, one('other'), 'no');
      return await store.put(...given);
    };
    using ledger = open({ ...store, put });
    const acquiring = ledger.acquire(pool, one('a'), 'no');
    await expect.poll(() => conflicts, { timeout: 20_000 }).toBeGreaterThan(1);
    expect(await heldIn(store)).toEqual(['other']);
    other.release(pool, one('other'));
    expect(await acquiring).toBe('held');
    await expect(store.put(pool, 'x', 1)).rejects.toBeInstanceOf(ConflictError);
  });

  test('ends the waits of a function whose flow changed, and does not keep its place', async () => {
    const store = createMemoryKeyValue();
    using ledger = open(store);
    await ledger.acquire(pool, one('a'), 'no');
    const waiting = ledger.acquire(pool, one('b'), 'no');
    await expect.poll(() => ledger.pendingOf('f'), { timeout: 20_000 }).toEqual({ acquiring: 1, waiting: 1 });
    ledger.endWaits('f', 'changed');
    expect(await waiting).toBe('changed');
    await ledger.close();
    expect(decodeLedgerEntry((await store.get(pool))?.value).waiters).toEqual([]);
  });

  test('holds its running attempts again after the log and the ledger went backwards', async () => {
    const store = createMemoryKeyValue();
    let epoch = 0;
    using ledger = open(store, () => epoch);
    await ledger.acquire(pool, one('a'), 'no');
    await store.put(pool, '{"holders":[],"waiters":[]}');
    epoch++;
    ledger.refresh();
    await expect.poll(() => heldIn(store), { timeout: 20_000 }).toEqual(['a']);
  });
});
