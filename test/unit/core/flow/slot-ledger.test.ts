import { describe, expect, test, vi } from 'vitest';
import { ConflictError } from '#src/core/errors.ts';
import { decodeLedgerEntry, encodeLedgerEntry, type Waiter } from '#src/core/flow/ledger-entry.ts';
import { createSlotLedger } from '#src/core/flow/slot-ledger.ts';
import { type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { type RateText, rateTextOf } from '#src/core/functions/rate.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

const pool: PoolId = poolOf('f' as FunctionName, {});
const one = (invocation: string, total = 1): Waiter => ({ key: '', function: 'f', invocation, attempt: 1, request: 1, total });
const keyed = (key: string, invocation: string): Waiter => ({ key, function: 'f', invocation, attempt: 1, request: 1, perKey: 1 });

type Listed = { listed?: readonly string[]; total?: number; rate?: RateText };

/** A process. One with `listed` lists these attempts as waiters, as a scheduler does. */
function open(store: KeyValue, epoch = () => 0, { listed = [], total = 1, rate }: Listed = {}) {
  const closing = new AbortController();
  const waits = listed.map((name) => (rate === undefined ? one(name, total) : { ...one(name), total: undefined, rate }));
  let isListed = false;
  const plan = () => {
    if (isListed) return {};
    isListed = true;
    return { waits };
  };
  const ledger = createSlotLedger({ store, clock: systemClock, logger: silentLogger, epoch, signal: closing.signal, plan });
  return { ...ledger, [Symbol.dispose]: () => closing.abort() };
}

const waitersIn = async (store: KeyValue): Promise<string[]> =>
  decodeLedgerEntry((await store.get(pool))?.value).waiters.map(({ invocation }) => invocation);

/** The places of the function `f` in a worker. */
function createOwner(places: number) {
  const started: string[] = [];
  const callers: ((hasPlace: boolean) => void)[] = [];
  let free = places;
  return {
    function: 'f',
    started,
    get free() {
      return free;
    },
    get waiting() {
      return callers.length;
    },
    takeExecutionSlot: () => free > 0 && free-- > 0,
    waitForExecutionSlot: () => new Promise<boolean>((resolve) => void callers.push(resolve)),
    releaseExecutionSlot: () => void free++,
    start: (_: PoolId, { invocation }: Waiter) => void started.push(invocation),
    add() {
      const caller = callers.shift();
      if (caller === undefined) free++;
      else caller(true);
    },
  };
}

/** The attempts that hold a slot or a token. */
async function heldIn(store: KeyValue): Promise<string[]> {
  const { holders } = decodeLedgerEntry((await store.get(pool))?.value);
  return holders.flatMap(({ invocation, rate, isSlotless }) => (rate === undefined && isSlotless ? [] : [invocation]));
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
    const acquired = await Promise.all(Array.from({ length: 50 }, (_, i) => ledger.acquire(pool, one(`i${i}`, 100), false)));
    expect(new Set(acquired)).toEqual(new Set(['held']));
    expect(writes()).toBeLessThanOrEqual(2);
  });

  test('never gives more slots than the limit, however many processes want them', async () => {
    const store = createMemoryKeyValue();
    let most = 0;
    let held = 0;
    const ledgers = [open(store), open(store), open(store), open(store)];
    const work = async (ledger: (typeof ledgers)[number], name: string): Promise<void> => {
      // An attempt without a slot waits elsewhere. Here it asks again.
      while ((await ledger.acquire(pool, one(name, 3), false)) !== 'held') await systemClock.sleep(1);
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

  test('gives a freed slot to a waiter in the write that frees it, and starts the waiter in this process', async () => {
    const store = createMemoryKeyValue();
    using ledger = open(store);
    using scheduler = open(store, () => 0, { listed: ['b', 'c'] });
    const owner = createOwner(1);
    ledger.serve(pool, owner);
    expect(await ledger.acquire(pool, one('a'), false)).toBe('held');
    scheduler.decideAgain(pool);
    await expect.poll(() => waitersIn(store), { timeout: 20_000 }).toEqual(['b', 'c']);
    expect(owner.started).toEqual([]);
    ledger.release(pool, one('a'));
    await expect.poll(() => owner.started, { timeout: 20_000 }).toEqual(['b']);
    expect(await heldIn(store)).toEqual(['b']);
    expect(owner.free).toBe(0);
  });

  test('gives waiters no slot without a place, and the slot as soon as a place is free (SLOT6)', async () => {
    const store = createMemoryKeyValue();
    using ledger = open(store);
    using scheduler = open(store, () => 0, { listed: ['a', 'b'], total: 9 });
    const owner = createOwner(0);
    ledger.serve(pool, owner);
    scheduler.decideAgain(pool);
    await expect.poll(() => owner.waiting, { timeout: 20_000 }).toBe(1);
    expect(await heldIn(store)).toEqual([]);
    owner.add();
    await expect.poll(() => owner.started, { timeout: 20_000 }).toEqual(['a']);
    expect(await heldIn(store)).toEqual(['a']);
    await expect.poll(() => owner.waiting, { timeout: 20_000 }).toBe(1);
    ledger.endService(pool, 'f');
    owner.add();
    await expect.poll(() => owner.free, { timeout: 20_000 }).toBe(1);
    expect(owner.started).toEqual(['a']);
  });

  test.for(['lost', 'refused'] as const)('starts a waiter once whose grant was written by a write that was %s', async (how) => {
    const store = createMemoryKeyValue();
    let isBroken = true;
    const put: KeyValue['put'] = async (...given) => {
      if (!isBroken) return await store.put(...given);
      isBroken = false;
      if (how === 'lost') await store.put(...given);
      throw how === 'lost' ? new Error('no answer') : new ConflictError({ what: 'the entry' });
    };
    using ledger = open({ ...store, put });
    using scheduler = open(store, () => 0, { listed: ['a'] });
    const owner = createOwner(2);
    ledger.serve(pool, owner);
    scheduler.decideAgain(pool);
    await expect.poll(() => owner.started, { timeout: 20_000 }).toEqual(['a']);
    expect(owner.free).toBe(1);
  });

  test('refuses a full key, and says that a slot is held which another process took for the attempt (SLOT4)', async () => {
    const store = createMemoryKeyValue();
    using dead = open(store);
    using alive = open(store);
    await dead.acquire(pool, keyed('x', 'a'), false);
    expect(await alive.acquire(pool, keyed('x', 'b'), true)).toEqual({ refusal: 'full', isPlaceGiven: false });
    expect(await alive.acquire(pool, keyed('x', 'a'), true)).toBe('held');
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
    expect(await ledger.acquire(pool, one('a'), false)).toBe('held');
    ledger.release(pool, one('a'));
    await ledger.close();
    expect(await heldIn(store)).toEqual([]);
  });

  test('refuses an attempt without a token, and gives a waiter the token when it is back', async () => {
    const store = createMemoryKeyValue();
    using ledger = open(store);
    using scheduler = open(store, () => 0, { listed: ['b'], rate: rateTextOf({ limit: 10, perInMs: 1_000, burst: 1 }) });
    const rated = (name: string): Waiter => ({ ...one(name), total: undefined, rate: rateTextOf({ limit: 10, perInMs: 1_000, burst: 1 }) });
    const owner = createOwner(1);
    ledger.serve(pool, owner);
    expect(await ledger.acquire(pool, rated('a'), false)).toBe('held');
    const startedAt = Date.now();
    ledger.start(pool, rated('a'));
    expect(await ledger.acquire(pool, rated('z'), false)).toMatchObject({ refusal: { dueAt: expect.any(Number) } });
    scheduler.decideAgain(pool);
    await expect.poll(() => owner.started, { timeout: 20_000 }).toEqual(['b']);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(100);
    expect(await heldIn(store)).toEqual(['b']);
  });

  const tokenOf = (name: string, burst = 100): Waiter => ({
    ...one(name),
    total: undefined,
    rate: rateTextOf({ limit: burst, perInMs: 1_000, burst }),
  });

  test('uses the tokens of attempts that start soon after each other by one write', async () => {
    const { store, writes } = countedStore();
    using ledger = open(store);
    const attempts = Array.from({ length: 20 }, (_, i) => tokenOf(`i${i}`));
    await Promise.all(attempts.map((attempt) => ledger.acquire(pool, attempt, false)));
    const before = writes();
    for (const attempt of attempts) ledger.start(pool, attempt);
    await expect.poll(() => heldIn(store), { timeout: 20_000 }).toEqual([]);
    expect(writes() - before).toBe(1);
  });

  test('uses the token of an attempt that started before it closes', async () => {
    const { store } = countedStore();
    using ledger = open(store);
    await ledger.acquire(pool, tokenOf('a'), false);
    ledger.start(pool, tokenOf('a'));
    await ledger.close();
    expect(await heldIn(store)).toEqual([]);
  });

  test('decides again after a conflict', async () => {
    const store = createMemoryKeyValue();
    using other = open(store);
    let conflicts = 0;
    const put: KeyValue['put'] = async (...given) => {
      if (conflicts++ === 0) await other.acquire(pool, one('other'), false);
      return await store.put(...given);
    };
    using ledger = open({ ...store, put });
    expect(await ledger.acquire(pool, one('a'), false)).toEqual({ refusal: 'full', isPlaceGiven: false });
    expect(conflicts).toBe(1);
    expect(await heldIn(store)).toEqual(['other']);
    other.release(pool, one('other'));
    await expect.poll(() => heldIn(store), { timeout: 20_000 }).toEqual([]);
    expect(await ledger.acquire(pool, one('a'), true)).toBe('held');
    await expect(store.put(pool, 'x', 1)).rejects.toBeInstanceOf(ConflictError);
  });

  test('decides again without a read when the watch brought the entry of another process before the conflict', async () => {
    const store = createMemoryKeyValue();
    const get = vi.fn(store.get);
    using ledger = open({ ...store, get, put: async (...given) => await refusedOnce(...given) });
    let isRefused = false;
    const refusedOnce: KeyValue['put'] = async (key, value, revision) => {
      if (!isRefused) await store.put(key, encodeLedgerEntry({ holders: [one('other')], waiters: [] }));
      isRefused = true;
      return await store.put(key, value, revision);
    };
    expect(await ledger.acquire(pool, one('a', 2), false)).toBe('held');
    expect(await heldIn(store)).toEqual(['other', 'a']);
    expect(get).toHaveBeenCalledTimes(1);
  });

  test('holds its running attempts again after the log and the ledger went backwards', async () => {
    const store = createMemoryKeyValue();
    let epoch = 0;
    using ledger = open(store, () => epoch);
    await ledger.acquire(pool, one('a'), false);
    await store.put(pool, '{"holders":[],"waiters":[]}');
    epoch++;
    ledger.refresh();
    await expect.poll(() => heldIn(store), { timeout: 20_000 }).toEqual(['a']);
  });
});
