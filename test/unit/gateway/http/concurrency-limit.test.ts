import { describe, expect, test } from 'vitest';
import { createConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';

/** How many times a sharer enters before it is refused. */
function entriesOf(limit: ReturnType<typeof createConcurrencyLimit>, sharer: string): number {
  for (let entries = 0; ; entries++) {
    try {
      limit.enter(sharer);
    } catch (error) {
      expect(error).toMatchObject({ status: 429, retryAfterInS: 1 });
      return entries;
    }
  }
}

describe('a concurrency limit', () => {
  test('gives its whole capacity to a single sharer', () => {
    expect(entriesOf(createConcurrencyLimit(10), 'a')).toBe(10);
  });

  test('keeps the guaranteed part of each sharer free, whatever the others use together', () => {
    const limit = createConcurrencyLimit(1_000, () => 4);
    const entered = ['a', 'b', 'c', 'd'].map((sharer) => entriesOf(limit, sharer));
    expect(entered).toEqual([375, 375, 125, 125]);
  });

  test('releases an amount once, however often its release is called', () => {
    const limit = createConcurrencyLimit(100, () => 2);
    const release = limit.enter('a', 50);
    expect(() => limit.enter('a', 1)).toThrow();
    release();
    release();
    limit.enter('a', 50);
    expect(() => limit.enter('a', 1)).toThrow();
    limit.enter('b', 50);
    expect(() => limit.enter('b', 1)).toThrow();
  });
});
