import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationText, parseDuration } from '#src/core/text/parse-duration.ts';
import { parseSize, sizeText } from '#src/core/text/size-text.ts';

describe('a quantity as people write it', () => {
  test('is read back as the same duration or size, whatever it is', () => {
    const number = fc.nat(2_000_000_000);
    fc.assert(fc.property(number, (ms) => parseDuration(durationText(ms)) === ms));
    fc.assert(fc.property(number, (bytes) => parseSize(sizeText(bytes)) === bytes));
  });

  test('has the largest unit that divides it', () => {
    expect([0, 250, 2_500, 30_000, 90_000, 7_200_000].map(durationText)).toEqual(['0s', '250ms', '2.5s', '30s', '90s', '2h']);
    expect([0, 70, 4_096, 1_000_000, 67_108_864].map(sizeText)).toEqual(['0B', '70B', '4KB', '1000000B', '64MB']);
  });

  test('is refused without a number, or with another unit', () => {
    expect(['', 'MB', '64 TB', '-1KB', '1,5MB', '1e3'].map(parseSize)).toEqual(Array(6).fill(undefined));
    expect(['', 's', '30', '1 week', '-1s'].map(parseDuration)).toEqual(Array(5).fill(undefined));
  });
});
