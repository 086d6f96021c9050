import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LARGE_BOUNDS } from '#src/gateway/http/bodies/json-scan.ts';
import { type ContentPath, parseLargeJson } from '#src/gateway/http/bodies/large-json.ts';

const contents: readonly ContentPath[] = [
  { path: ['zip'], encoding: 'base64' },
  { path: ['files', '*', 'text'], encoding: 'text' },
];

function parse(text: string | Uint8Array): { value?: unknown; problem?: string } {
  const parsing = parseLargeJson(Buffer.from(text as string), LARGE_BOUNDS, contents);
  let step = parsing.next();
  while (step.done !== true) step = parsing.next();
  return 'refused' in step.value ? { problem: step.value.refused.problem } : { value: step.value.value };
}

/** What the characters of a text are in UTF-8: half of a character of two is the mark of replacement. */
const asBytes = (text: string) => Buffer.from(text);

describe('a large body', () => {
  test('has the values of JSON.parse, and the bytes of its contents, however it is escaped and cut', () => {
    const unit = fc.constantFrom('a', '"', '\\', '\n', '/', 'é', '漢', '😀', '\ud83d', '\ude00', '\0', '\u2028');
    const short = fc.string({ unit, maxLength: 5 });
    const long = fc.tuple(short, fc.constantFrom(1, 60, 30_000)).map(([text, times]) => text.repeat(times));
    const escaped = fc.boolean();
    const body = fc.record({
      name: fc.oneof(
        short,
        fc.constantFrom(100, 300).map((times) => 'é"\\'.repeat(times)),
      ),
      files: fc.array(fc.record({ path: short, text: long }), { maxLength: 3 }),
      zip: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.concat(Array(700).fill(Buffer.from(bytes)))),
      other: fc.jsonValue({ maxDepth: 3 }),
    });
    fc.assert(
      fc.property(body, escaped, (given, isEscaped) => {
        const plain = JSON.stringify({ ...given, zip: given.zip.toString('base64') }, undefined, isEscaped ? 1 : 0);
        // As other programs write it: with escapes beyond ASCII and before slashes.
        const text = isEscaped
          ? plain.replaceAll(/[\u0080-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).replaceAll('/', '\\/')
          : plain;
        const { value } = parse(text) as { value: { zip: Uint8Array; files: { text: Uint8Array }[] } };
        expect(Buffer.from(value.zip).equals(given.zip)).toBe(true);
        expect(value.files.map((file) => Buffer.from(file.text).toString())).toEqual(
          given.files.map(({ text: one }) => asBytes(one).toString()),
        );
        expect({ ...value, zip: 0, files: 0 }).toEqual({ ...(JSON.parse(text) as object), zip: 0, files: 0 });
      }),
      { numRuns: 60 },
    );
  });

  test.for([
    ['no base64 in a short string', '{"zip":"A-=="}'],
    ['no base64 in a long string', `{"zip":"${'A'.repeat(400_000)}!AAA"}`],
    ['padding within a long string', `{"zip":"${'A'.repeat(131_071)}=${'A'.repeat(400_000)}"}`],
  ])('keeps a string where bytes are expected for %s', ([, text]) => {
    expect(typeof (parse(text ?? '').value as { zip: unknown }).zip).toBe('string');
  });

  test.for([
    ['an end within a string', '{"zip":"AAAA', SyntaxError],
    ['a line break within a long string', `{"zip":"${'A'.repeat(200)}\n"}`, SyntaxError],
    ['an unknown escape in a long string', `{"name":"${'A'.repeat(200)}\\x"}`, SyntaxError],
    ['two values', `{"zip":"${'A'.repeat(200)}"} {}`, SyntaxError],
    ['no comma between long strings', `{"files":["${'A'.repeat(200)}" "${'A'.repeat(200)}"]}`, SyntaxError],
    [
      'no UTF-8 in a long string',
      Buffer.concat([Buffer.from(`{"zip":"${'A'.repeat(200)}`), Buffer.from([0xff]), Buffer.from('"}')]),
      TypeError,
    ],
    ['no UTF-8 elsewhere', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), TypeError],
  ] as const)('is refused for %s', ([, text, kind]) => {
    expect(() => parse(text)).toThrow(kind);
  });

  test.for([
    ['a long string that is no code', `{"name":"${'a'.repeat(300_000)}"}`, /has a string of more than 262144 bytes that is no code/],
    ['a name of megabytes', `{"${'a'.repeat(5_000_000)}":1}`, /has more than 4194304 bytes in names and short strings/],
    ['many short strings', `[${`"${'a'.repeat(120)}",`.repeat(40_000)}1]`, /has more than 4194304 bytes in names and short strings/],
  ] as const)('is refused for %s, which the thread would parse at once', ([, text, problem]) => {
    expect(parse(text).problem).toMatch(problem);
  });
});
