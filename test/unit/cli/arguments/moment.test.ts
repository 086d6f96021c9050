import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';

describe('a moment on the command line', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse('2026-06-01T00:00:00Z'), toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.for([
    ['30m', '2026-05-31T23:30:00.000Z'],
    ['30d', '2026-05-02T00:00:00.000Z'],
    ['365d', '2025-06-01T00:00:00.000Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
  ] as const)('of %s is %s', ([text, expected]) => {
    expect(new Date(parsePointInTime(text)).toISOString()).toBe(expected);
  });

  test('before 1970 is 1970, because no message of a log is older', () => {
    expect(parsePointInTime('99999d')).toBe(0);
  });
});
