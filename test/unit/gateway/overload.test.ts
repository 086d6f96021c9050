import { describe, expect, test } from 'vitest';
import { createConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';

/** How many times a sharer enters before it is refused. */
function entriesOf(room: ReturnType<typeof createConcurrencyLimit>, sharer: string): number {
  for (let entries = 0; ; entries++) {
    try {
      room.enter(sharer);
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
    const room = createConcurrencyLimit(1_000, 4);
    const taken = ['a', 'b', 'c', 'd'].map((sharer) => entriesOf(room, sharer));
    expect(taken).toEqual([375, 375, 125, 125]);
  });

  test('releases an amount once, however often its release is called', () => {
    const room = createConcurrencyLimit(100, 2);
    const leave = room.enter('a', 50);
    expect(() => room.enter('a', 1)).toThrow();
    leave();
    leave();
    room.enter('a', 50);
    expect(() => room.enter('a', 1)).toThrow();
    room.enter('b', 50);
    expect(() => room.enter('b', 1)).toThrow();
  });
});
