import { describe, expect, test } from 'vitest';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { Schedule } from '#src/core/schedules/schedule.ts';
import { failed } from '#test/support/log/facts.ts';
import { MINUTE, openSchedule as open, START } from '#test/support/scheduler/checked-schedule.ts';

const DAY = 86_400_000;

describe('a schedule', () => {
  test('fires once on each day of a year with two changes of the clocks, and names itself in each request', async () => {
    const opened = open({ cron: '30 2 * * *' });
    await opened.runUntil(START + 365 * DAY - 1);
    expect(new Set(opened.fired()).size).toBe(365);
    expect(opened.requests()).toHaveLength(365);
    expect(new Set(opened.requests().map(({ invocation }) => invocation)).size).toBe(365);
    expect(opened.requests()[0]).toMatchObject({ function: 'report', schedule: { name: 'nightly', at: START + 90 * MINUTE } });
    expect(await opened.progress()).toMatchObject({ fired: 365 });
  });

  test('does not fire before its time, or for a time before its creation', async () => {
    const opened = open();
    expect(await opened.check()).toBe(Date.parse('2027-01-01T02:00:00Z'));
    expect(opened.requests()).toEqual([]);
  });

  test('fires once when three schedulers check at the same time', async () => {
    const opened = open({ cron: '* * * * *' });
    opened.clock.current = START + 10 * MINUTE;
    await Promise.all([opened.check(), opened.check(), opened.check()]);
    expect(opened.requests()).toHaveLength(10);
    expect(await opened.progress()).toMatchObject({ fired: 10, at: START + 10 * MINUTE });
  });

  test('is fired by the next scheduler when one dies between the request and the progress', async () => {
    const opened = open();
    opened.clock.current = START + 3 * 60 * MINUTE;
    const dying: KeyValue = { ...opened.state, put: () => Promise.reject(new Error('killed')) };
    await expect(opened.check({ state: dying })).rejects.toThrow('killed');
    await opened.check();
    expect(new Set(opened.requests().map(({ invocation }) => invocation)).size).toBe(1);
    expect(await opened.progress()).toMatchObject({ fired: 1 });
  });

  test('makes up what an outage within the catch-up window delayed, and records what it missed', async () => {
    const opened = open({ cron: '0 * * * *', timeZone: 'UTC', catchUpInMs: 3 * 60 * MINUTE });
    opened.clock.current = START + 10 * 60 * MINUTE + 1;
    await opened.check();
    expect(opened.fired()).toEqual(['2027-01-01T08:00:00.000Z', '2027-01-01T09:00:00.000Z', '2027-01-01T10:00:00.000Z']);
    expect(await opened.progress()).toMatchObject({ missed: { from: START + 60 * MINUTE, to: START + 7 * 60 * MINUTE } });
  });

  test('waits for the jitter of each fire time', async () => {
    const opened = open({ jitterInMs: 60 * MINUTE });
    const dueAt = await opened.check();
    opened.clock.current = dueAt - 1;
    await opened.check();
    expect(opened.requests()).toEqual([]);
    opened.clock.current = dueAt;
    await opened.check();
    expect(opened.fired()).toEqual(['2027-01-01T02:00:00.000Z']);
  });
});

describe('at a fire time while the invocation before is not over', () => {
  const everyMinute = { cron: '* * * * *', timeZone: 'UTC' };

  test('a schedule with "skip" skips it, and fires again when that invocation is over', async () => {
    const opened = open({ ...everyMinute, overlap: 'skip' });
    await opened.runUntil(START + 3 * MINUTE);
    expect(opened.fired()).toEqual(['2027-01-01T00:01:00.000Z']);
    expect(await opened.progress()).toMatchObject({ fired: 1, skipped: { count: 2, at: START + 3 * MINUTE } });
    await opened.work(await opened.last(), [failed(0, { condition: 'InvocationCanceled' })]);
    await opened.runUntil(START + 4 * MINUTE);
    expect(opened.fired()).toEqual(['2027-01-01T00:01:00.000Z', '2027-01-01T00:04:00.000Z']);
  });

  test('a schedule with "queue" fires it when that invocation is over', async () => {
    const opened = open({ ...everyMinute, overlap: 'queue' });
    await opened.runUntil(START + 3 * MINUTE);
    expect(opened.fired()).toEqual(['2027-01-01T00:01:00.000Z']);
    await opened.work(await opened.last(), [failed(0, { condition: 'InvocationCanceled' })]);
    await opened.runUntil(START + 3 * MINUTE + 1_000);
    expect(opened.fired()).toEqual(['2027-01-01T00:01:00.000Z', '2027-01-01T00:02:00.000Z']);
  });

  test('an invocation that retention removed from the log is over', async () => {
    const opened = open({ ...everyMinute, overlap: 'skip' });
    await opened.runUntil(START + MINUTE);
    await opened.work(await opened.last(), [failed(0, { condition: 'InvocationCanceled' })]);
    opened.log.purge(opened.log.last + 1);
    await opened.runUntil(START + 2 * MINUTE);
    expect(opened.fired()).toEqual(['2027-01-01T00:02:00.000Z']);
  });
});

describe('a fire time whose request another scheduler has sent, while its progress is not stored yet (CRON6)', () => {
  /** The second fire time is requested, and the change of the progress after it waits for `release`. */
  async function openRequested(given: Partial<Schedule>) {
    const opened = open({ cron: '* * * * *', timeZone: 'UTC', ...given });
    await opened.runUntil(START + MINUTE);
    const first = await opened.last();
    opened.clock.current = START + 2 * MINUTE;
    const [sent, released] = [createEvent(), createEvent()];
    const slow: KeyValue = {
      ...opened.state,
      async put(...change) {
        if (opened.requests().length === 2) {
          sent.happen();
          await released.happened;
        }
        return await opened.state.put(...change);
      },
    };
    const fireSecond = async () => {
      await opened.work(first, [failed(0, { condition: 'InvocationCanceled' })]);
      const firing = opened.check({ state: slow });
      await sent.happened;
      return async () => {
        released.happen();
        await firing;
      };
    };
    return { ...opened, fireSecond };
  }

  test('is not skipped with "skip", and no other fires before its invocation is over', async () => {
    const { check, clock, fired, fireSecond, state, progress } = await openRequested({ overlap: 'skip' });
    let release: (() => Promise<void>) | undefined;
    // This scheduler saw that the first invocation runs. The other one fires before the skip is stored.
    const overtaken: KeyValue = {
      ...state,
      async put(...change) {
        release ??= await fireSecond();
        return await state.put(...change);
      },
    };
    await check({ state: overtaken });
    clock.current = START + 3 * MINUTE;
    await check();
    expect(fired()).toEqual(['2027-01-01T00:01:00.000Z', '2027-01-01T00:02:00.000Z']);
    await release?.();
    expect(await progress()).toMatchObject({ fired: 2, skipped: { count: 1, at: START + 3 * MINUTE } });
  });

  test('is not missed with "queue", and no other fires before its invocation is over', async () => {
    const { check, clock, fired, fireSecond, progress } = await openRequested({ overlap: 'queue', catchUpInMs: 2 * MINUTE });
    const release = await fireSecond();
    clock.current = START + 10 * MINUTE;
    await check();
    expect(fired()).toEqual(['2027-01-01T00:01:00.000Z', '2027-01-01T00:02:00.000Z']);
    await release();
    expect(await progress()).toMatchObject({ fired: 2 });
  });
});

/** Something that happens once. */
function createEvent(): { happen: () => void; happened: Promise<void> } {
  let happen = (): void => {};
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happen, happened };
}
