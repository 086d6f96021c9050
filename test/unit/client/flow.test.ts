import { describe, expect, test } from 'vitest';
import { type ClientFlowOptions, createClientFlow } from '#src/client/state/flow.ts';
import { readSlots } from '#src/client/state/surroundings.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import { encodeLedgerEntry, entryKeyOf, type LedgerEntry } from '#src/core/flow/ledger-entry.ts';
import { type Flow, type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { rateOf, rateTextOf } from '#src/core/functions/rate.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';

const defined = (name: string, flow: Flow) => ({ definition: { ...parseDefinition({ name, handler: { kind: 'inline' } }), flow } });
const holder = (fn: string, key: string, invocation: string): LedgerEntry['holders'][number] => ({
  function: fn,
  key,
  invocation,
  attempt: 1,
  request: 1,
});
const keyed: Flow = { concurrency: 1, key: '$.customer' };
const ORDERS = poolOf('orders' as FunctionName, keyed);
const ERP = poolOf('invoice' as FunctionName, { pool: 'erp' });

type Given = { waits?: ClientFlowOptions['history']['waits']; pool?: PoolId; orders?: Flow } & Partial<LedgerEntry>;

async function flowOf({ waits, pool = ORDERS, orders = keyed, holders = [], waiters = [], buckets }: Given) {
  const ledger = createMemoryKeyValue();
  await ledger.put(entryKeyOf(pool), encodeLedgerEntry({ holders, waiters, buckets }));
  const functions = [
    defined('orders', orders),
    defined('invoice', { concurrency: 2, pool: 'erp' }),
    defined('stock', { concurrency: 1, pool: 'erp' }),
  ];
  return createClientFlow({
    ledger,
    functions: { list: async () => functions },
    history: { waits: waits ?? (async () => ({ functions: [], keys: [], isCut: false })) },
    consumers: async () => [{ name: 'fn-invoice', pending: 5, unacknowledged: 2, redelivered: 0, waiting: 0 }],
  });
}

describe('the pools', () => {
  test('of a function with keys show for each key what runs and waits, the longest queue first', async () => {
    const flow = await flowOf({
      holders: [holder('orders', 'a', 'o-1'), holder('orders', 'b', 'o-2')],
      waits: async () => ({
        functions: [{ pool: ORDERS, function: 'orders', waiting: 3, since: 10 }],
        keys: [{ pool: ORDERS, key: 'b', waiting: 3, since: 10 }],
        isCut: false,
      }),
    });
    const [state] = await flow.pools({ pools: [ORDERS] });
    expect(state).toMatchObject({
      running: 2,
      waiting: 3,
      since: 10,
      isCut: false,
      functions: [{ name: 'orders', running: 2, waiting: 3 }],
    });
    expect(state?.keys).toEqual([
      { key: 'b', running: 1, waiting: 3, since: 10 },
      { key: 'a', running: 1, waiting: 0, since: undefined },
    ]);
  });

  test('count an attempt once that waits in the log and is named in the ledger', async () => {
    const waiting = ['a', 'b', 'c'].map((key) => ({ pool: ORDERS, key, waiting: 9, since: 10 }));
    const flow = await flowOf({
      waiters: ['a', 'b', 'c'].map((key) => holder('orders', key, `${key}-1`)),
      waits: async () => ({ functions: [{ pool: ORDERS, function: 'orders', waiting: 27, since: 10 }], keys: waiting, isCut: false }),
    });
    const [state] = await flow.pools({ pools: [ORDERS] });
    expect(state).toMatchObject({ waiting: 27, functions: [{ waiting: 27 }] });
    expect(state?.keys.map(({ waiting: of }) => of)).toEqual([9, 9, 9]);
  });

  test('say when the next attempt of a key can start whose bucket has left the entry', async () => {
    const hourly = rateTextOf(rateOf({ limit: 1, per: '1h' }));
    const ledger = createMemoryKeyValue();
    await ledger.put(`spill.${ORDERS}.id`, JSON.stringify([[hourly, 'a', 7_200_000_000]]));
    await ledger.put(entryKeyOf(ORDERS), encodeLedgerEntry({ holders: [], waiters: [], spills: [['id', 7_200_000_000]] }));
    const flow = createClientFlow({
      ledger,
      functions: { list: async () => [defined('orders', { rate: { limit: 1, per: '1h' }, key: '$.customer' })] },
      history: { waits: async () => ({ functions: [], keys: [{ pool: ORDERS, key: 'a', waiting: 2, since: 10 }], isCut: false }) },
      consumers: async () => [],
    });
    expect((await flow.pools())[0]?.keys).toMatchObject([{ key: 'a', nextAt: 7_200_000 }]);
    const asked = { name: 'orders', definition: defined('orders', { rate: { limit: 1, per: '1h' }, key: '$.customer' }).definition };
    const waitsFor = { pool: ORDERS, key: 'a', since: 10 } as never;
    const slots = await readSlots({ flow, history: {} as never }, { ...asked, waitsFor, payload: '' });
    expect(slots?.rate).toEqual({ limit: 1, perInMs: 3_600_000, nextAt: 7_200_000 });
  });

  test('say when the rate of a key lets its next attempt start', async () => {
    const flow = await flowOf({
      orders: { rate: { limit: 1, per: '1h' }, key: '$.customer' },
      buckets: [[rateTextOf(rateOf({ limit: 1, per: '1h' })), 'a', 7_200_000_000]],
      waits: async () => ({ functions: [], keys: [{ pool: ORDERS, key: 'a', waiting: 2, since: 10 }], isCut: false }),
    });
    const [state] = await flow.pools({ pools: [ORDERS] });
    expect(state?.keys).toEqual([{ key: 'a', running: 0, waiting: 2, since: 10, nextAt: 7_200_000 }]);
  });

  test('that functions share show all of them, and count the messages in their queues as waiting', async () => {
    const flow = await flowOf({ pool: ERP, holders: [holder('invoice', '', 'i-1'), holder('stock', '', 's-1')] });
    const [state] = await flow.pools({ pools: [ERP] });
    expect(state).toMatchObject({ running: 2, waiting: 5, keys: [] });
    expect(state?.functions).toMatchObject([
      { name: 'invoice', flow: { concurrency: 2 }, running: 1, waiting: 5 },
      { name: 'stock', flow: { concurrency: 1 }, running: 1, waiting: 0 },
    ]);
  });

  test('are those of one project, if a project is named', async () => {
    const flow = await flowOf({ pool: 'function.b=orders' as PoolId, holders: [holder('b=orders', '', 'x')] });
    expect((await flow.pools({ project: 'b' })).map(({ pool }) => pool)).toEqual(['function.b=orders']);
    expect((await flow.pools({ project: '' })).map(({ pool }) => pool)).toEqual([ORDERS, ERP]);
    expect(await flow.pools({ project: 'c' })).toEqual([]);
  });

  test('of many functions are read with a question for each that has an entry, 64 at one time', async () => {
    const all = Array.from({ length: 2_000 }, (_, index) => defined(`f${index}`, { concurrency: 1 }));
    const ledger = createMemoryKeyValue();
    for (const { definition } of all.slice(0, 500))
      await ledger.put(
        entryKeyOf(poolOf(definition.name as FunctionName, definition.flow)),
        encodeLedgerEntry({ holders: [], waiters: [] }),
      );
    let asked = 0;
    let open = 0;
    let most = 0;
    const get: typeof ledger.get = async (key) => {
      asked++;
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return await ledger.get(key);
    };
    const flow = createClientFlow({
      ledger: { keys: ledger.keys, get },
      functions: { list: async () => all },
      history: { waits: async () => ({ functions: [], keys: [], isCut: false }) },
      consumers: async () => [],
    });
    expect(await flow.pools()).toHaveLength(2_000);
    expect(asked).toBe(500);
    expect(most).toBe(64);
  });

  test('are read without a projection', async () => {
    const gone = async () => {
      throw new HistoryUnavailableError({ why: 'none answers' });
    };
    const [state] = await (await flowOf({ waits: gone, holders: [holder('orders', 'a', 'o-1')] })).pools({ pools: [ORDERS] });
    expect(state).toMatchObject({ running: 1, waiting: 0 });
  });
});
