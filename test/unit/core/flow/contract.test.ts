import { describe, expect, test } from 'vitest';
import { decodeLedgerEntry, encodeLedgerEntry, entryKeyOf, NO_SLOTS } from '#src/core/flow/ledger-entry.ts';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { isFlowKey, poolOf } from '#src/core/functions/flow.ts';
import { parseRateText, rateOf, rateTextOf } from '#src/core/functions/rate.ts';
import type { FunctionName } from '#src/core/names/names.ts';

const handler = { kind: 'inline' };
const parse = (flow: unknown) => functionDefinitionSchema.safeParse({ name: 'f', handler, flow });

describe('the flow of a definition', () => {
  test('is absent unless it is given, and accepts a key, a total and a pool', () => {
    expect(parse(undefined).data?.flow).toBeUndefined();
    expect(parse({ concurrency: 10 }).data?.flow).toEqual({ concurrency: 10 });
    const whole = { concurrency: 1, key: '$.customer', total: 50, pool: 'erp', order: 'fifo', onRetry: 'pass' };
    expect(parse(whole).data?.flow).toEqual(whole);
    for (const limits of [{ concurrency: 5 }, { rate: { limit: 1, per: '1s' } }, { concurrency: 2, key: '$.customer', total: 5 }])
      expect(parse({ ...limits, order: 'priority', aging: '30s' }).success).toBe(true);
  });

  test('accepts a rate alone or with a concurrency, with a burst of what starts in one second by default', () => {
    const rate = { limit: 100, per: '1m' };
    expect(parse({ rate }).data?.flow).toEqual({ rate });
    expect(parse({ rate: { ...rate, burst: 5 }, key: '$.customer', concurrency: 2 }).success).toBe(true);
    const bursts = [rate, { limit: 100, per: '1s' }, { limit: 1, per: '1h' }].map((one) => rateOf(one).burst);
    expect(bursts).toEqual([2, 100, 1]);
    expect(parseRateText(rateTextOf(rateOf(rate)))).toEqual({ limit: 100, perInMs: 60_000, burst: 2 });
  });

  test.for([
    { rate: { limit: 0, per: '1s' } },
    { rate: { limit: 1, per: '10ms' } },
    { rate: { limit: 1, per: '2d' } },
    { rate: { limit: 1, per: 'second' } },
    { rate: { limit: 1 } },
    { rate: { limit: 1, per: '1s', burst: 0 } },
    { rate: { limit: 1, per: '1s' }, key: '$.a', total: 5 },
  ])('is refused with a rate as %j', (flow) => {
    expect(parse(flow).success).toBe(false);
  });

  test.for([
    {},
    { concurrency: 0 },
    { concurrency: 1, key: 'customer' },
    { concurrency: 1, total: 5 },
    { concurrency: 1, pool: 'a.b' },
    { concurrency: 1, order: 'fifo' },
    { concurrency: 2, key: '$.customer', order: 'fifo' },
    { concurrency: 1, key: '$.customer', order: 'lifo' },
    { concurrency: 1, key: '$.customer', onRetry: 'hold' },
    { concurrency: 1, order: 'priority', onRetry: 'hold' },
    { concurrency: 1, order: 'priority', aging: '10ms' },
    { concurrency: 1, aging: '1m' },
    { concurrency: 1, key: '$.customer', order: 'fifo', aging: '1m' },
    { order: 'priority' },
    { concurrency: 1, key: '$.customer', order: 'fifo', rate: { limit: 1, per: '1s' } },
  ])('is refused as %j', (flow) => {
    expect(parse(flow).success).toBe(false);
  });
});

test('functions of one project share a pool, and no pool has the id of the own pool of a function', () => {
  const pool = (name: string, shared?: string) => poolOf(name as FunctionName, { pool: shared });
  expect(pool('a', 'erp')).toBe(pool('b', 'erp'));
  expect(pool('p=a', 'erp')).not.toBe(pool('a', 'erp'));
  expect(pool('erp')).not.toBe(pool('a', 'erp'));
});

test('a key has up to 128 characters that are printable', () => {
  expect(['a', 'customer 7', '客户', 'x'.repeat(128)].every(isFlowKey)).toBe(true);
  expect(['', 'a\nb', 'x'.repeat(129), '\ud800'].some(isFlowKey)).toBe(false);
});

test('an entry of the ledger reads as it was written, and a damaged one is an error', () => {
  const holder = { key: 'customer-7', function: 'f', invocation: 'i', attempt: 1, request: 12 };
  const entry = { holders: [holder], waiters: [{ ...holder, invocation: 'j', perKey: 1, total: 5 }] };
  expect(decodeLedgerEntry(encodeLedgerEntry(entry))).toEqual(entry);
  expect(decodeLedgerEntry(undefined)).toEqual(NO_SLOTS);
  expect(() => decodeLedgerEntry('{')).toThrow();
  expect(entryKeyOf(poolOf('f' as FunctionName, {}))).toMatch(/^[-/_=.a-zA-Z0-9]+$/);
});
