import { expect, test } from 'vitest';
import { rememberByText } from '#src/gateway/http/remember.ts';

function counted<Value>(make: (text: string) => Value) {
  const made: string[] = [];
  const remembered = rememberByText((text) => {
    made.push(text);
    return make(text);
  });
  return { made, remembered };
}

test('what was made of a text is made once', () => {
  const { made, remembered } = counted((text) => ({ text }));
  expect(remembered('a')).toBe(remembered('a'));
  expect(remembered('b')).toEqual({ text: 'b' });
  expect(made).toEqual(['a', 'b']);
});

test('texts without number are not kept: what was said a thousand others ago is made again', () => {
  const { made, remembered } = counted((text) => text.length);
  remembered('first');
  for (let other = 0; other < 1_000; other++) remembered(`other ${other}`);
  expect(remembered('first')).toBe(5);
  expect(made.filter((text) => text === 'first')).toHaveLength(2);
});

test('a long text is not kept', () => {
  const { made, remembered } = counted((text) => text.length);
  const long = 'x'.repeat(513);
  expect([remembered(long), remembered(long)]).toEqual([513, 513]);
  expect(made).toHaveLength(2);
});

test('a refusal is not remembered as anything', () => {
  const { made, remembered } = counted(() => {
    throw new TypeError('refused');
  });
  for (let times = 0; times < 2; times++) expect(() => remembered('a')).toThrow('refused');
  expect(made).toHaveLength(2);
});
