import { describe, expect, test } from 'vitest';
import { durationOption, parseDuration, parseWhole } from '#src/cli/arguments/durations.ts';
import { formatBytes } from '#src/cli/print/format.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';

describe('a duration', () => {
  test.for([
    ['60', 60_000],
    ['0', 0],
    ['500ms', 500],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['5min', 300_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['30d', 2_592_000_000],
    ['3650d', 315_360_000_000],
  ] as const)('of %s is %i ms', ([text, expected]) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.for(['', 'abc', '-1', '1e9', '5 weeks', '999999999999999d', 'Infinity', '1s2'])('is not %j', (text) => {
    expect(() => parseDuration(text)).toThrow();
  });

  test.for([
    [0, '0 ms'],
    [999, '999 ms'],
    [999.7, '1 s'],
    [1_000, '1 s'],
    [1_234, '1.23 s'],
    [59_940, '59.9 s'],
    [59_999, '1 min'],
    [125_000, '2 min 5 s'],
    [3_599_400, '59 min 59 s'],
    [3_599_700, '1 h'],
    [3_600_000, '1 h'],
    [86_399_000, '1 d'],
    [90_000_000, '1 d 1 h'],
  ] as const)('of %d ms is said as %s', ([ms, expected]) => {
    expect(formatDuration(ms)).toBe(expected);
  });
});

describe('an option that waits', () => {
  const parse = durationOption('--timeout <duration>', 'how long to wait', 1_000).parseArg;

  test('accepts a duration up to 24 days', () => {
    expect(parse?.('24d', undefined)).toBe(2_073_600_000);
  });

  test("refuses a duration that overflows Node's timers", () => {
    expect(() => parse?.('25d', undefined)).toThrow('longer than 24 days');
  });
});

describe('a whole number', () => {
  test.for(['', '-1', '1.5', '0x10', '1e3', 'NaN', '99999999999999999999'])('is not %j', (text) => {
    expect(() => parseWhole(0)(text)).toThrow();
  });
});

describe('a size', () => {
  test('is said in the largest unit that fits', () => {
    expect([0, 1_023, 1_024, 1_048_576, 5e15].map(formatBytes)).toEqual(['0 B', '1023 B', '1.0 KB', '1.0 MB', '4547.5 TB']);
  });
});
