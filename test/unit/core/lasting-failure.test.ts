import { expect, test } from 'vitest';
import { LastingFailure } from '#src/core/lasting-failure.ts';
import { greatestOf, leastOf } from '#src/core/least-and-greatest.ts';
import { type Logger, silentLogger } from '#src/core/ports/logger.ts';

test('a failure is reported once it lasts a minute, again each hour, and when it is over', () => {
  const clock = { at: 0, now: () => clock.at };
  const lines: string[] = [];
  const note = (_: object, text: string): void => void lines.push(text);
  const failure = new LastingFailure('the comparison', { clock, logger: { ...silentLogger, warn: note, info: note } as Logger });
  const failAt = (at: number): void => {
    clock.at = at;
    failure.failed(new Error('no permission'));
  };
  failAt(0);
  failAt(59_999);
  failure.succeeded();
  expect(lines).toEqual([]);
  failAt(100_000);
  failAt(160_000);
  failAt(161_000);
  expect(lines).toEqual(['the comparison fails since 1970-01-01T00:01:40.000Z, and is tried again']);
  failAt(160_000 + 3_600_000);
  failure.succeeded();
  expect(lines.slice(1)).toEqual([lines[0], 'the comparison succeeds again']);
});

test('the least and the greatest of a million numbers are found', () => {
  const numbers = Array.from({ length: 1_000_000 }, (_, index) => index);
  expect([leastOf(numbers), greatestOf(numbers)]).toEqual([0, 999_999]);
  expect([leastOf([]), greatestOf([])]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
});
