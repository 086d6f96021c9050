import { describe, expect, test } from 'vitest';
import type { FunctionName } from '#src/core/names/names.ts';
import { FireTimes, type Timing } from '#src/core/schedules/fire-times.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const berlin = { name: 'nightly' as FunctionName, timeZone: 'Europe/Berlin', jitterInMs: 0, catchUpInMs: DAY, createdAt: 1 };
const START = Date.parse('2027-01-01T00:00:00Z');
const iso = (at: number | undefined): string | undefined => (at === undefined ? undefined : new Date(at).toISOString());

function timesOf(cron: string, given: Partial<Timing> = {}): FireTimes {
  return new FireTimes({ ...berlin, cron, ...given });
}

/** The fire times between two moments. */
function between(cron: string, from: number, to: number): number[] {
  const times = timesOf(cron);
  const found: number[] = [];
  for (let fire = times.after(from - 1); fire !== undefined && fire.at < to; fire = times.after(fire.at)) found.push(fire.at);
  return found;
}

/** The fire times of 2027, in which the clocks of Berlin change on 28 March and on 31 October. */
const yearOf = (cron: string): number[] => between(cron, START - HOUR, START + 365 * DAY - HOUR);

const localDay = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', dateStyle: 'short' });
const localTime = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', timeStyle: 'short' });

describe('the fire times of a year with two changes of the clocks', () => {
  test.for([
    ['0 3 * * *', ['03:00']],
    // 02:30 does not exist on 28 March, and exists twice on 31 October.
    ['30 2 * * *', ['02:30', '03:00']],
    ['0 0 * * *', ['00:00']],
  ] as const)('of %j are one on each day', ([cron, wanted]) => {
    const year = yearOf(cron);
    expect(new Set(year.map((at) => localDay.format(at))).size).toBe(365);
    expect(year).toHaveLength(365);
    expect([...new Set(year.map((at) => localTime.format(at)))]).toEqual(wanted);
  });

  test('of 02:30 are after the gap in March, and the first of both in October', () => {
    const year = yearOf('30 2 * * *').map(iso);
    expect(year.filter((at) => at?.startsWith('2027-03-28') || at?.startsWith('2027-10-31'))).toEqual([
      '2027-03-28T01:00:00.000Z',
      '2027-10-31T00:30:00.000Z',
    ]);
  });

  test('of a list of hours are on every day, also in the gap', () => {
    expect(yearOf('30 2,14 * * *')).toHaveLength(730);
  });

  test.for(['2027-03-28', '2027-10-31'])('of every hour follow each other by one hour around %s', (day) => {
    const start = Date.parse(`${day}T00:00:00Z`) - DAY;
    expect(between('0 * * * *', start, start + 3 * DAY)).toEqual(Array.from({ length: 72 }, (_, index) => start + index * HOUR));
  });
});

describe('the next fire time', () => {
  test('is strictly after the moment, also within a second', () => {
    const at = Date.parse('2027-06-01T01:00:00Z');
    expect(iso(timesOf('0 3 * * *').after(at - 1)?.at)).toBe(iso(at));
    expect(iso(timesOf('0 3 * * *').after(at)?.at)).toBe(iso(at + DAY));
    expect(iso(timesOf('* * * * * *').after(at + 300)?.at)).toBe(iso(at + 1_000));
  });
});

describe('after an outage', () => {
  const last = Date.parse('2027-06-01T01:00:00Z');
  const isoOf = ({ late, next, missed }: ReturnType<FireTimes['since']>) => ({
    late: late.map(({ at }) => iso(at)?.slice(11, 16)),
    next: iso(next?.at)?.slice(11, 16),
    missed: missed === undefined ? [] : [iso(missed.from)?.slice(11, 16), iso(missed.to)?.slice(11, 16)],
  });

  test('all fire times within the catch-up window are late', () => {
    const due = timesOf('0 * * * *').since(last, last + 3 * HOUR + 1);
    expect(isoOf(due)).toEqual({ late: ['02:00', '03:00', '04:00'], next: '05:00', missed: [] });
  });

  test('the fire times before the window are missed', () => {
    const due = timesOf('0 * * * *', { catchUpInMs: 2 * HOUR }).since(last, last + 10 * HOUR + 1);
    expect(isoOf(due)).toEqual({ late: ['10:00', '11:00'], next: '12:00', missed: ['02:00', '09:00'] });
  });

  test('all fire times are missed when none is in the window', () => {
    const due = timesOf('0 * * * *', { catchUpInMs: 10_000 }).since(last, last + 2 * HOUR + 60_000);
    expect(isoOf(due)).toEqual({ late: [], next: '04:00', missed: ['02:00', '03:00'] });
  });

  test('the newest hundred are late, and those before them are missed', () => {
    const due = timesOf('* * * * *').since(last, last + 5 * HOUR);
    expect(due.late).toHaveLength(100);
    expect(isoOf(due)).toMatchObject({ next: '06:01', missed: ['01:01', '04:20'] });
    expect(isoOf(due).late[0]).toBe('04:21');
  });
});

describe('the jitter', () => {
  test('delays each fire time by a part of it, alike in every process and different from fire to fire', () => {
    const delays = (): number[] =>
      timesOf('0 * * * *', { jitterInMs: 600_000 })
        .upcoming(START, 50)
        .map(({ at, dueAt }) => dueAt - at);
    expect(delays()).toEqual(delays());
    expect(Math.min(...delays())).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays())).toBeLessThan(600_000);
    expect(new Set(delays()).size).toBeGreaterThan(40);
    expect(Math.max(...delays()) - Math.min(...delays())).toBeGreaterThan(300_000);
  });
});

describe('refused is', () => {
  test.for([
    ['61 3 * * *', 'Europe/Berlin', /cron expression "61 3 \* \* \*" is not valid/],
    ['every day', 'UTC', /is not valid/],
    ['', 'UTC', /is not valid/],
    ['0 3 * * * * *', 'UTC', /is not valid/],
    ['2027-01-01T00:00:00', 'UTC', /is a single time/],
    ['0 0 30 2 *', 'UTC', /names no time that ever comes/],
    ['0 3 * * *', 'Europe/Berlyn', /time zone "Europe\/Berlyn" is not known here/],
    ['0 3 * * *', '+02:00', /is not known here/],
  ] as const)('%j in %s', ([cron, timeZone, why]) => {
    expect(() => timesOf(cron, { timeZone })).toThrow(why);
  });
});
