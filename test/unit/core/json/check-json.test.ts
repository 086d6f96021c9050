import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkLongJson } from '#src/core/json/check-json.ts';

/** Whether the check accepts a text, in parts of so many characters. */
function accepts(text: string, partLength: number): boolean {
  try {
    for (const _ of checkLongJson(text, partLength));
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const partLength = fc.integer({ min: 0, max: 12 });

test('a JSON text is accepted however it is cut, and a changed one as by JSON.parse', () => {
  const texts = fc
    .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 1))
    .map(([value, indent]) => JSON.stringify(value, undefined, indent));
  const change = fc.record({
    at: fc.nat(),
    removed: fc.integer({ min: 0, max: 2 }),
    added: fc.constantFrom('', ',', '[', ']', '{', '}', ':', '"', '1', ' ', '\\'),
  });
  fc.assert(
    fc.property(texts, partLength, change, (text, length, { at, removed, added }) => {
      expect(accepts(text, length)).toBe(true);
      const start = at % (text.length + 1);
      const changed = text.slice(0, start) + added + text.slice(start + removed);
      expect([changed, accepts(changed, length)]).toEqual([changed, isJson(changed)]);
    }),
    { numRuns: 3_000 },
  );
});

test('any sequence of tokens is accepted as by JSON.parse', () => {
  const token = fc.constantFrom('[', ']', '{', '}', ',', ':', '"a"', '1', 'null', ' ', '"', '\\"');
  fc.assert(
    fc.property(fc.array(token, { maxLength: 10 }), partLength, (tokens, length) => {
      const text = tokens.join('');
      expect([text, accepts(text, length)]).toEqual([text, isJson(text)]);
    }),
    { numRuns: 20_000 },
  );
});
