import { describe, expect, test } from 'vitest';
import { parseDuration } from '#src/core/text/parse-duration.ts';
import { parseMoment } from '#src/core/text/parse-moment.ts';
import { parseWholeNumber, wholeNumber } from '#src/core/text/whole-number.ts';

describe('a duration', () => {
  test.for([
    ['500ms', 500],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['5min', 300_000],
    [' 1 h ', 3_600_000],
    ['7d', 604_800_000],
  ] as const)('of %s has %i ms', ([text, ms]) => expect(parseDuration(text)).toBe(ms));

  test.for(['', '60', 'h', '-1s', '1e9s', '5 weeks', '1s2', 'Infinity'])('is not %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('a moment', () => {
  test.for([
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2026-01-31T12:00:00Z', Date.UTC(2026, 0, 31, 12)],
    ['2026-01-31T12:00:00+08:00', Date.UTC(2026, 0, 31, 4)],
  ] as const)('is read from %s', ([text, at]) => expect(parseMoment(text)).toBe(at));

  test.for(['', '2026', '1767225600000', 'January 31, 2026', '2026-13-01', '2026-01-31T25:00'])('is not %j', (text) => {
    expect(parseMoment(text)).toBeUndefined();
  });
});

describe('a whole number', () => {
  test.for(['', '-1', '+1', '1.5', '0x10', '1e3', ' 1', 'NaN', '9999999999999999'])('is not %j', (text) => {
    expect(parseWholeNumber(text)).toBeUndefined();
    expect(wholeNumber(0, 1e16).safeParse(text).success).toBe(false);
  });

  test('is within its bounds, inclusive', () => {
    for (const [text, value] of [
      ['9', undefined],
      ['10', 10],
      ['20', 20],
      ['21', undefined],
    ] as const) {
      expect(parseWholeNumber(text, 10, 20)).toBe(value);
      expect(wholeNumber(10, 20).safeParse(text).data).toBe(value);
    }
  });
});
