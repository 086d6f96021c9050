import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { decodeBase64 } from '#src/core/text/base64.ts';

test('the same short texts are base64 as by the pattern of zod, and stand for the same bytes', () => {
  const pattern = z.base64();
  const unit = fc.constantFrom('A', 'b', '9', '+', '/', '=', '-', '_', ' ', '\n', '\u0161', '\u00e9', '\0', '.', '\ud800');
  const letters = fc.array(fc.constantFrom('A', 'b', '9', '/'), { maxLength: 12 }).map((found) => found.join(''));
  const texts = fc.oneof(
    fc.string({ unit, maxLength: 12 }),
    fc.tuple(letters, fc.constantFrom('', '=', '==', '===')).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = decodeBase64(text);
      expect(bytes !== undefined).toBe(pattern.safeParse(text).success);
      if (bytes !== undefined) expect(bytes.equals(Buffer.from(text, 'base64'))).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});

test('a part of a longer text has no padding', () => {
  expect([decodeBase64('AAAA', true)?.length, decodeBase64('AAA=', true)]).toEqual([3, undefined]);
});
