import { describe, expect, test } from 'vitest';
import { parseJson } from '#src/core/json/json.ts';

describe('parseJson', () => {
  test.for([
    ['{"a":[1]}', { a: [1] }],
    ['null', null],
    [' 0 ', 0],
    ['"text"', 'text'],
  ] as const)('answers the value that %j stands for', ([text, value]) => expect(parseJson(text)).toEqual(value));

  test.for(['', '{', '\uFEFF{}', 'undefined', '{"a":1}x', undefined])('returns undefined for %j, which is no JSON', (text) => {
    expect(parseJson(text)).toBeUndefined();
  });
});
