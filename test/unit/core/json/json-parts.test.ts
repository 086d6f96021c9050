import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elementTexts, indentJson, jsonWith, memberText } from '#src/core/json/json-parts.ts';

describe('the parts of a JSON text', () => {
  test('are the elements of an array as they are written', () => {
    const text = '[ 9007199254740993 , {"a":[1,2],"b":"],\\"{"}, "x,\\\\" ,[],1.10]';
    expect(elementTexts(text)).toEqual(['9007199254740993', '{"a":[1,2],"b":"],\\"{"}', '"x,\\\\"', '[]', '1.10']);
    expect(elementTexts(' [ ] ')).toEqual([]);
  });

  test('are the members of an object; of two with one name the last one counts, as in JSON.parse', () => {
    const text = '{"event": 1, "n" : {"event":2}, "ev\\u0065nt" : 12345678901234567890 , "last":"event"}';
    expect(memberText(text, 'event')).toBe('12345678901234567890');
    expect(memberText(text, 'n')).toBe('{"event":2}');
    expect(memberText('{"a,:b":[1e400]}', 'a,:b')).toBe('[1e400]');
    expect(memberText(text, 'absent')).toBeUndefined();
    expect(memberText('{}', 'event')).toBeUndefined();
  });

  test('may have strings of any length, also with escaped characters', () => {
    for (const text of ['a'.repeat(1 << 24), '"\\'.repeat(1 << 22)]) {
      expect(elementTexts(JSON.stringify([text, 1])).map((part) => part.length)).toEqual([JSON.stringify(text).length, 1]);
    }
  });

  test('are added to an object as its last member, with numbers beyond 2^53', () => {
    expect(jsonWith({ a: 1 }, 'event', '[9007199254740993]')).toBe('{"a":1,"event":[9007199254740993]}');
    expect([jsonWith({}, 'n', '1e400'), jsonWith({}, 'n', undefined)]).toEqual(['{"n":1e400}', '{}']);
  });

  test('are indented as JSON.stringify does it, and a text beyond the bound stays as it is', () => {
    expect(indentJson('{"id":9007199254740993,"none":{}}')).toBe('{\n  "id": 9007199254740993,\n  "none": {}\n}');
    const long = `[${'1,'.repeat(500_001)}1]`;
    expect(indentJson(long)).toBe(long);
  });

  test('have the values that JSON.parse finds, for every JSON text', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 2), (values, indent) => {
        const text = JSON.stringify(values, null, indent);
        expect(elementTexts(text).map((part) => JSON.parse(part))).toEqual(JSON.parse(text));
      }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 2), (values, indent) => {
        const text = JSON.stringify(values, null, indent);
        for (const [name, value] of Object.entries(JSON.parse(text))) expect(JSON.parse(memberText(text, name) ?? '')).toEqual(value);
      }),
    );
  });
});
