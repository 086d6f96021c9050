import { expect, test } from 'vitest';
import { memoizeByText } from '#src/gateway/http/memoize.ts';

/** A memoized function, and the texts that the function itself was called with. */
function counted<Value>(compute: (text: string) => Value) {
  const computed: string[] = [];
  const memoized = memoizeByText((text) => {
    computed.push(text);
    return compute(text);
  });
  return { computed, memoized };
}

test('the value of a text is computed once', () => {
  const { computed, memoized } = counted((text) => ({ text }));
  expect(memoized('a')).toBe(memoized('a'));
  expect(memoized('b')).toEqual({ text: 'b' });
  expect(computed).toEqual(['a', 'b']);
});

test('the cache is bounded: after a thousand other texts, a value is computed again', () => {
  const { computed, memoized } = counted((text) => text.length);
  memoized('first');
  for (let other = 0; other < 1_000; other++) memoized(`other ${other}`);
  expect(memoized('first')).toBe(5);
  expect(computed.filter((text) => text === 'first')).toHaveLength(2);
});

test('the value of a long text is not cached', () => {
  const { computed, memoized } = counted((text) => text.length);
  const long = 'x'.repeat(513);
  expect([memoized(long), memoized(long)]).toEqual([513, 513]);
  expect(computed).toHaveLength(2);
});

test('an exception is not cached', () => {
  const { computed, memoized } = counted(() => {
    throw new TypeError('refused');
  });
  for (let times = 0; times < 2; times++) expect(() => memoized('a')).toThrow('refused');
  expect(computed).toHaveLength(2);
});
