import { describe, expect, test, vi } from 'vitest';
import { ConflictError } from '#src/core/errors.ts';
import { changeEntry } from '#src/core/flow/change-entry.ts';
import { bucketIdOf, decodeLedgerEntry, encodeLedgerEntry, type LedgerEntry, NO_SLOTS, type Waiter } from '#src/core/flow/ledger-entry.ts';
import { createSlotLedger } from '#src/core/flow/slot-ledger.ts';
import { MAX_BUCKETS, MAX_SPILLS, SpilledBuckets, SpillRoom } from '#src/core/flow/spilled-buckets.ts';
import { nextFullAt, TokenBuckets } from '#src/core/flow/token-buckets.ts';
import { type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { type RateText, rateTextOf } from '#src/core/functions/rate.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';

const HOUR = 3_600_000;
const KEYS = 3 * MAX_BUCKETS;
const AT_ONCE = 512;
/** `max_payload` of a server. */
const MAX_MESSAGE_BYTES = 1_048_576;
const pool: PoolId = poolOf('f' as FunctionName, {});
const rate: RateText = rateTextOf({ limit: 1, perInMs: HOUR, burst: 1 });
const attemptOf = (key: number, attempt = 1): Waiter => ({
  ...{ key: `key-${key}`, function: 'f', invocation: `${key}`, attempt, request: key },
  ...{ perKey: undefined, total: undefined, rate },
});

function openOn(store: KeyValue, clock: ReturnType<typeof createVirtualClock>) {
  const closing = new AbortController();
  const ledger = createSlotLedger({ store, clock, logger: silentLogger, epoch: () => 0, signal: closing.signal });
  return { ...ledger, [Symbol.dispose]: () => closing.abort() };
}

type Ledger = ReturnType<typeof openOn>;

/** Asks for one attempt of each key, and ends those that got a token. Returns how many did. */
async function runEach(ledger: Ledger, attempt: number): Promise<number> {
  let held = 0;
  for (let from = 0; from < KEYS; from += AT_ONCE) {
    const attempts = Array.from({ length: AT_ONCE }, (_, index) => attemptOf(from + index, attempt));
    const answers = await Promise.all(attempts.map((one) => ledger.acquire(pool, one, false)));
    for (const [index, one] of attempts.entries()) {
      if (answers[index] !== 'held') continue;
      held++;
      ledger.release(pool, one);
    }
  }
  return held;
}

const spillsIn = async (store: KeyValue): Promise<string[]> => (await store.keys()).filter((key) => key.startsWith('spill.'));

describe('the buckets of more keys than an entry has room for', () => {
  test('let each key run at its rate, and are known to every process (RATE1)', async () => {
    const store = createMemoryKeyValue();
    const clock = createVirtualClock(Date.UTC(2026, 0, 1));
    using one = openOn(store, clock);
    using other = openOn(store, clock);
    expect(await runEach(one, 1)).toBe(KEYS);
    // Every key has used its token of the hour, whoever asks.
    expect(await runEach(other, 2)).toBe(0);
    expect(await runEach(one, 2)).toBe(0);
    const text = (await store.get(pool))?.value ?? '';
    expect(text.length).toBeLessThan(500_000);
    expect(decodeLedgerEntry(text).buckets?.length).toBeLessThanOrEqual(MAX_BUCKETS);
    expect((await spillsIn(store)).length).toBeGreaterThan(3);
    clock.moveTo(clock.now() + HOUR);
    expect(await runEach(other, 2)).toBe(KEYS);
  });

  test('leave the ledger when all of them are full again', async () => {
    const store = createMemoryKeyValue();
    const clock = createVirtualClock(Date.UTC(2026, 0, 1));
    using ledger = openOn(store, clock);
    await runEach(ledger, 1);
    expect((await spillsIn(store)).length).toBeGreaterThan(3);
    clock.moveTo(clock.now() + HOUR + 1);
    expect(await ledger.acquire(pool, attemptOf(1, 2), false)).toBe('held');
    ledger.release(pool, attemptOf(1, 2));
    await ledger.close();
    expect(await spillsIn(store)).toEqual([]);
    expect(decodeLedgerEntry((await store.get(pool))?.value).spills).toBeUndefined();
  });

  test('leave the entry of a pool without work, too, each when its buckets are full', () => {
    const entry: LedgerEntry = { holders: [], waiters: [], buckets: [[rate, 'a', 7_000_000]], spills: [['one', 9_000_000]] };
    const both: LedgerEntry = {
      ...entry,
      spills: [
        ['one', 9_000_000],
        ['other', 5_000_000],
      ],
    };
    expect([entry, both, { ...entry, spills: undefined }, NO_SLOTS].map(nextFullAt)).toEqual([
      7_000,
      5_000,
      7_000,
      Number.POSITIVE_INFINITY,
    ]);
    expect(changeEntry(both, { now: 4_999 }).entry).toBe(both);
    expect(changeEntry(both, { now: 5_000 }).entry).not.toBe(both);
  });

  test('have further keys wait when the entry names as many spills as it may', () => {
    const buckets = Array.from({ length: MAX_BUCKETS }, (_, key) => [rate, `key-${key}`, 1e18] as const);
    const spills = Array.from({ length: MAX_SPILLS }, (_, id) => [`${id}`, 1e18] as const);
    const tokens = new TokenBuckets({ holders: [], waiters: [], buckets, spills }, 1_000);
    expect(tokens.nextAt({ rate, key: 'further' })).toBe(2_000);
    expect(new TokenBuckets({ holders: [], waiters: [], buckets }, 1_000).nextAt({ rate, key: 'further' })).toBe(1_000);
  });

  test('are as many as a message has room for, whatever the length of the keys is', async () => {
    const store = createMemoryKeyValue();
    const spilled = new SpilledBuckets(pool, store);
    const buckets = Array.from({ length: 2 * MAX_BUCKETS }, (_, key) => [rate, `${key}`.padStart(128, '钥'), 1e18] as const);
    const { entry } = await spilled.write({ holders: [], waiters: [], buckets }, 0, async () => 1);
    const texts = await Promise.all((await spillsIn(store)).map(async (key) => (await store.get(key))?.value ?? ''));
    expect(texts.length).toBe(4);
    for (const text of [encodeLedgerEntry(entry), ...texts]) expect(Buffer.byteLength(text)).toBeLessThan(MAX_MESSAGE_BYTES);
  });

  test('of all pools of a project are bounded together, and those of others have room (SHARE1)', async () => {
    const store = createMemoryKeyValue();
    const room = new SpillRoom();
    const poolIn = (project: string, index: number): PoolId => poolOf(`${project}=f${index}` as FunctionName, {});
    const spills = Array.from({ length: MAX_SPILLS }, (_, index) => [`${index}`, 1e18] as const);
    const full = {
      holders: [],
      waiters: [],
      buckets: Array.from({ length: MAX_BUCKETS }, (_, key) => [rate, `key-${key}`, 1e18] as const),
    };
    const pools = [0, 1].map((index) => new SpilledBuckets(poolIn('shop', index), store, room));
    for (const spilled of pools) await spilled.load({ ...full, spills }, 0);
    const tokensOf = (spilled: SpilledBuckets): number => new TokenBuckets(full, 0, spilled).countOf({ rate, key: 'new' });
    // A further pool of the project has no room beside its entry, although it has no spill itself.
    expect(tokensOf(new SpilledBuckets(poolIn('shop', 2), store, room))).toBe(0);
    expect(tokensOf(new SpilledBuckets(poolIn('bank', 0), store, room))).toBe(1);
    expect(tokensOf(new SpilledBuckets(pool, store, room))).toBe(1);
    await pools[0]?.load(full, 0);
    expect(tokensOf(new SpilledBuckets(poolIn('shop', 2), store, room))).toBe(1);
  });

  test('leave memory and the room of their project once a written or watched entry names them no more', async () => {
    const store = createMemoryKeyValue();
    const room = new SpillRoom();
    const name = 'shop=f' as FunctionName;
    const shop = poolOf(name, {});
    const counted = vi.spyOn(room, 'count');
    const count = (): number => counted.mock.calls.reduce((sum, [, change]) => sum + change, 0);
    const buckets = Array.from({ length: MAX_BUCKETS + 1 }, (_, key) => [rate, `key-${key}`, 9_000] as const);
    const [writer, reader] = [new SpilledBuckets(shop, store, room), new SpilledBuckets(shop, store, room)];
    const { entry } = await writer.write({ holders: [], waiters: [], buckets }, 0, async () => 1);
    await reader.load(entry, 0);
    expect(count()).toBe(2);
    const { entry: later } = await writer.write({ ...entry, buckets: [] }, 10, async () => 2);
    expect([later.spills, count()]).toEqual([undefined, 1]);
    reader.keepNamed(later, 10);
    expect([count(), reader.fullAtOf(bucketIdOf({ rate, key: 'key-1' }))]).toEqual([0, 0]);
  });

  test('have the latest time of a key, and an earlier one again when the ledger was restored', async () => {
    const store = createMemoryKeyValue();
    const spilled = new SpilledBuckets(pool, store);
    for (const [id, at] of [
      ['one', 5],
      ['other', 9],
    ] as const)
      await store.put(`spill.${pool}.${id}`, JSON.stringify([[rate, 'a', at * HOUR * 1_000]]));
    const entryWith = (ids: readonly string[]) => ({ holders: [], waiters: [], spills: ids.map((id) => [id, 1e18] as const) });
    const timeAfter = async (ids: readonly string[], now: number): Promise<number> => {
      await spilled.load(entryWith(ids), now);
      return spilled.fullAtOf(bucketIdOf({ rate, key: 'a' })) / HOUR / 1_000;
    };
    expect(await timeAfter(['one', 'other'], 0)).toBe(9);
    expect(await timeAfter(['one'], 0)).toBe(5);
    expect(await timeAfter(['one', 'other'], 0)).toBe(9);
    expect(await timeAfter(['other'], 6 * HOUR)).toBe(9);
    expect(await timeAfter([], 10 * HOUR)).toBe(0);
  });

  test('are deleted again when another process writes the entry first', async () => {
    const store = createMemoryKeyValue();
    const spilled = new SpilledBuckets(pool, store);
    const buckets = Array.from({ length: MAX_BUCKETS + 1 }, (_, key) => [rate, `key-${key}`, 1e18] as const);
    const writing = spilled.write({ holders: [], waiters: [], buckets }, 0, async ({ buckets: left, spills }) => {
      expect([left?.length, spills?.length, (await spillsIn(store)).length]).toEqual([MAX_BUCKETS / 2 + 1, 1, 1]);
      throw new ConflictError({ what: 'the entry' });
    });
    await expect(writing).rejects.toBeInstanceOf(ConflictError);
    expect(await spillsIn(store)).toEqual([]);
  });
});
