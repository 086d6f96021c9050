import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '#src/core/errors.ts';
import { deliverAtOf, MAX_DELAY_IN_MS, readDueTime } from '#src/core/log/requests/due-time.ts';

const acceptedAt = Date.UTC(2026, 0, 1);

describe('the header Deliver-At', () => {
  test.for<[string, number]>([
    ['2026-12-24T08:00:00Z', Date.UTC(2026, 11, 24, 8)],
    ['2026-12-24T09:30+01:30', Date.UTC(2026, 11, 24, 8)],
    ['2026-12-24T08:00:00.250z', Date.UTC(2026, 11, 24, 8, 0, 0, 250)],
    [String(Date.UTC(2026, 5, 1)), Date.UTC(2026, 5, 1)],
    ['+10m', acceptedAt + 600_000],
    ['+1.5h', acceptedAt + 5_400_000],
    ['+366d', acceptedAt + MAX_DELAY_IN_MS],
  ])('%s is an absolute time, the same for every reader', ([text, dueAt]) => {
    expect(readDueTime(text, acceptedAt)).toEqual({ dueAt });
  });

  test.for(['2025-12-31T23:59:59Z', '2026-01-01T00:00:00Z', '+0s', String(acceptedAt - 1)])('%s has passed: at once', (text) => {
    expect(readDueTime(text, acceptedAt)).toEqual({});
  });

  test.for([
    ['tomorrow', /time with its zone/],
    ['2026-12-24', /time with its zone/],
    ['2026-12-24T08:00:00', /time with its zone/],
    ['2026-02-30T08:00:00Z', /time with its zone/],
    ['2026-12-24T25:00:00Z', /time with its zone/],
    ['1798099200', /13 digits/],
    ['+10', /a delay/],
    ['+-5m', /a delay/],
    ['+', /a delay/],
    ['+367d', /at most 366 days ahead/],
    ['2027-12-24T08:00:00Z', /at most 366 days ahead/],
  ] as const)('%s is refused with a reason', ([text, problem]) => {
    expect(readDueTime(text, acceptedAt).problem).toMatch(problem);
  });
});

describe('the choice of a caller', () => {
  const now = acceptedAt;

  test('is a moment, or a delay that counts from the acceptance', () => {
    expect(deliverAtOf({ at: new Date(acceptedAt + 5) }, now)).toBe(String(acceptedAt + 5));
    expect(deliverAtOf({ at: acceptedAt + 5 }, now)).toBe(String(acceptedAt + 5));
    expect(deliverAtOf({ at: '2026-12-24T08:00:00Z' }, now)).toBe('2026-12-24T08:00:00Z');
    expect(deliverAtOf({ delay: 90_000 }, now)).toBe('+90000ms');
    expect(deliverAtOf({ delay: '10m' }, now)).toBe('+10m');
  });

  test.for([
    { at: new Date(Number.NaN) },
    { at: 'soon' },
    { at: acceptedAt + MAX_DELAY_IN_MS + 1 },
    { delay: -1 },
    { delay: Number.POSITIVE_INFINITY },
    { delay: '400d' },
    { delay: '1m\r\nRequest-Id: x' },
    { at: acceptedAt, delay: 1 },
  ])('is refused before anything is sent: %j', (choice) => {
    expect(() => deliverAtOf(choice, now)).toThrow(InvalidInputError);
  });
});
