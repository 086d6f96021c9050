import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatJson } from '#src/web/parts/payload-text.ts';

describe('the indented text of a payload', () => {
  test('keeps numbers beyond 2^53 and the digits of fractions as they are written', () => {
    expect(formatJson('{"id":9007199254740993,"price":1.10,"all":[12345678901234567890,1e400]}').text).toBe(
      '{\n  "id": 9007199254740993,\n  "price": 1.10,\n  "all": [\n    12345678901234567890,\n    1e400\n  ]\n}',
    );
  });

  test('is that of JSON.stringify for every value that JSON.stringify keeps', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        expect(formatJson(JSON.stringify(value)).text).toBe(JSON.stringify(value, null, 2));
      }),
    );
  });

  test('is the text itself when it is no JSON', () => {
    expect(formatJson('{oops')).toEqual({ text: '{oops', isJson: false });
  });
});
