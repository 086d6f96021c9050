import { describe, expect, test } from 'vitest';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { progressKeyOf } from '#src/core/schedules/progress.ts';
import type { Schedule } from '#src/core/schedules/schedule.ts';
import { deferred, joined, retrying, running, succeeded } from '#test/support/log/facts.ts';
import { MINUTE, openSchedule, START } from '#test/support/scheduler/checked-schedule.ts';

const DAY = 86_400_000;
const open = (given: Partial<Schedule> = {}) => openSchedule({ cron: '* * * * *', timeZone: 'UTC', overlap: 'cancel', ...given });
const timeOf = (minute: number): string => new Date(START + minute * MINUTE).toISOString();

/** A schedule that fired once, at the first minute, and is due again at the second one. */
async function openDueAgain() {
  const opened = open();
  await opened.runUntil(START + MINUTE);
  opened.clock.current = START + 2 * MINUTE;
  return { ...opened, first: await opened.last() };
}

const canceledAt = (minute: number) => ({
  condition: 'InvocationCanceled',
  failure: { code: 4_208, message: `the schedule nightly cancelled it at its fire time ${timeOf(minute)} (overlap policy cancel)` },
});

describe('at a fire time, a schedule with "cancel" (CRON7)', () => {
  test('cancels the invocation before, names itself as the reason, and fires at once', async () => {
    const { check, fired, failureOf, first, progress, announced } = await openDueAgain();
    expect(await check()).toBe(START + 3 * MINUTE);
    expect(fired()).toEqual([timeOf(1), timeOf(2)]);
    expect(await failureOf(first)).toMatchObject(canceledAt(2));
    expect(await progress()).toMatchObject({ fired: 2, at: START + 2 * MINUTE });
    expect(await progress()).not.toHaveProperty('firing');
    // No attempt ran, so no worker is asked to end one.
    expect(announced).toEqual([]);
  });

  test('asks the worker of the running attempt to end it', async () => {
    const { check, work, first, failureOf, announced } = await openDueAgain();
    await work(first, [running(1)]);
    await check();
    expect(await failureOf(first)).toMatchObject({ ...canceledAt(2), attempt: 1 });
    expect(announced).toEqual([{ worker: 'w1', function: 'report', invocation: first.id, attempt: 1 }]);
  });

  test('ends an invocation that waits for its retry, and wakes a worker for its result (PUB5)', async () => {
    const { check, work, first, failureOf, log } = await openDueAgain();
    await work(first, [running(1), retrying(1, { dueAt: START + DAY })]);
    await check();
    expect(await failureOf(first)).toMatchObject({ condition: 'InvocationCanceled' });
    expect(log.entries.filter(({ kind }) => kind === 'hint')).toHaveLength(1);
  });

  test('leaves an outcome that came first', async () => {
    const { check, work, first, failureOf, fired, announced } = await openDueAgain();
    await work(first, [running(1), succeeded(1)]);
    await check();
    expect(await failureOf(first)).toBeUndefined();
    expect(fired()).toEqual([timeOf(1), timeOf(2)]);
    expect(announced).toEqual([]);
  });

  test('leaves an outcome that comes while the cancellation is on its way, and fires all the same', async () => {
    const { check, work, first, failureOf, fired, log } = await openDueAgain();
    await work(first, [running(1)]);
    let isFirst = true;
    const append: typeof log.append = async (...given) => {
      if (isFirst) await work(first, [succeeded(1)]);
      isFirst = false;
      return await log.append(...given);
    };
    await check({ log: { ...log, append } });
    expect(isFirst).toBe(false);
    expect(await failureOf(first)).toBeUndefined();
    expect(fired()).toEqual([timeOf(1), timeOf(2)]);
  });

  test('fires only the newest of the times that are due, and counts the others as skipped', async () => {
    const { check, clock, fired, progress, first, failureOf } = await openDueAgain();
    clock.current = START + 5 * MINUTE;
    expect(await check()).toBe(START + 6 * MINUTE);
    expect(fired()).toEqual([timeOf(1), timeOf(5)]);
    expect(await progress()).toMatchObject({ fired: 2, at: START + 5 * MINUTE, skipped: { count: 3, at: START + 4 * MINUTE } });
    expect(await failureOf(first)).toMatchObject(canceledAt(5));
  });

  test('fires and cancels once when three schedulers check at the same time', async () => {
    const { check, fired, progress, log } = await openDueAgain();
    await Promise.all([check(), check(), check()]);
    expect(fired()).toEqual([timeOf(1), timeOf(2)]);
    expect(await progress()).toMatchObject({ fired: 2 });
    expect(log.entries.filter(({ kind }) => kind === 'append')).toHaveLength(1);
  });

  test('waits for a time that its jitter delays, and for the invocation of that time alone', async () => {
    const { check, clock, fired, failureOf, schedule, last, runUntil } = open({ jitterInMs: 30_000 });
    await runUntil(START + 90_000);
    const first = await last();
    clock.current = START + 2 * MINUTE;
    const dueAt = await check({}, schedule);
    expect(dueAt).toBeGreaterThan(START + 2 * MINUTE);
    expect(await failureOf(first)).toBeUndefined();
    clock.current = dueAt;
    await check();
    expect(fired()).toEqual([timeOf(1), timeOf(2)]);
    expect(await failureOf(first)).toMatchObject(canceledAt(2));
  });
});

describe('a scheduler with an old progress (CRON7)', () => {
  test('cancels the old invocation at most, and never the newest one', async () => {
    const { check, clock, state, last, failureOf, fired, schedule } = await openDueAgain();
    const old = await state.get(progressKeyOf(schedule.name));
    await check();
    clock.current = START + 3 * MINUTE;
    await check();
    const newest = await last();
    let reads = 0;
    // The first read was answered before the other scheduler fired twice.
    const late: KeyValue = { ...state, get: async (key) => (++reads === 1 ? old : await state.get(key)) };
    await check({ state: late });
    expect(reads).toBeGreaterThan(1);
    expect(await failureOf(newest)).toBeUndefined();
    expect(fired()).toEqual([timeOf(1), timeOf(2), timeOf(3)]);
  });

  test('names no fire time after another scheduler has fired', async () => {
    const { check, clock, ports, state, fired, progress, last, failureOf } = await openDueAgain();
    clock.current = START + 3 * MINUTE;
    let isFirst = true;
    // The other scheduler fires the third minute between the cancellation and the name.
    const overtaken: KeyValue = {
      ...state,
      async put(...given) {
        if (isFirst) await check();
        isFirst = false;
        return await state.put(...given);
      },
    };
    await check({ ...ports, state: overtaken });
    expect(fired()).toEqual([timeOf(1), timeOf(3)]);
    expect(await progress()).toMatchObject({ fired: 2, skipped: { count: 1 } });
    expect(await failureOf(await last())).toBeUndefined();
  });
});

describe('the fire time that the progress names (CRON7)', () => {
  /** The first scheduler dies after its request, before the progress says that it fired. */
  async function openNamed() {
    const opened = await openDueAgain();
    let puts = 0;
    const dying: KeyValue = {
      ...opened.state,
      put: (...given) => (++puts === 2 ? Promise.reject(new Error('killed')) : opened.state.put(...given)),
    };
    await expect(opened.check({ state: dying })).rejects.toThrow('killed');
    expect((await opened.progress()).firing).toEqual({ at: START + 2 * MINUTE, function: 'report' });
    return opened;
  }

  test('is the last one for the next scheduler, which cancels its invocation and skips nothing', async () => {
    const { check, clock, requests, failureOf, first, last, progress } = await openNamed();
    clock.current = START + 3 * MINUTE;
    await check();
    const [, second, third] = requests();
    expect(requests()).toHaveLength(3);
    const named = { ...first, id: second?.invocation ?? '' };
    expect(await failureOf(named)).toMatchObject(canceledAt(3));
    expect((await last()).id).toBe(third?.invocation);
    expect(await progress()).toMatchObject({ fired: 3 });
    expect(await progress()).not.toHaveProperty('skipped');
  });

  test.for<[string, Partial<Schedule>]>([
    ['the function', { function: 'other' as Schedule['function'] }],
    ['the policy', { overlap: 'skip' }],
    ['the times', { cron: '0 0 1 1 *', since: START + 2 * MINUTE + 1 }],
  ])('is fired once and with its own function, after its owner changed %s', async ([, changed]) => {
    const { check, requests, progress } = await openNamed();
    await check({}, changed);
    expect(requests().map(({ function: fn }) => fn)).toEqual(['report', 'report']);
    expect(await progress()).toMatchObject({ fired: 2, at: START + 2 * MINUTE });
    expect(await progress()).not.toHaveProperty('firing');
  });

  test('is missed when the log may no longer know its request', async () => {
    const { check, clock, fired, progress } = await openNamed();
    clock.current = START + 8 * DAY;
    await check();
    expect(fired()).toEqual([timeOf(1), timeOf(2), timeOf(8 * 24 * 60)]);
    expect(await progress()).toMatchObject({ missed: { from: START + 2 * MINUTE } });
    expect(await progress()).not.toHaveProperty('firing');
  });
});

describe('a scheduler that died after its cancellation', () => {
  test('leaves the fire time to the next one, which asks the worker again to end the attempt', async () => {
    const { check, work, first, failureOf, fired, announced, ports, log } = await openDueAgain();
    await work(first, [running(1)]);
    const dying = { ...ports.cancellations, announce: () => {} };
    const state: KeyValue = { ...ports.state, put: () => Promise.reject(new Error('killed')) };
    await expect(check({ cancellations: dying, state })).rejects.toThrow('killed');
    expect(await failureOf(first)).toMatchObject(canceledAt(2));
    await check();
    expect(announced).toEqual([{ worker: 'w1', function: 'report', invocation: first.id, attempt: 1 }]);
    expect(fired()).toEqual([timeOf(1), timeOf(2)]);
    // The cancellation itself is not repeated.
    expect(log.entries.filter(({ kind }) => kind === 'append')).toHaveLength(2);
  });
});

describe('an invocation whose event is in the attempt of another one', () => {
  test('is not cancelled: the fire time waits for its outcome', async () => {
    const { check, clock, work, first, failureOf, fired } = await openDueAgain();
    const debounce = { keep: 'all', waitInMs: 1_000, maxWaitInMs: 1_000 } as const;
    const leader = { invocation: 'order-7', request: 3 };
    await work(first, [deferred({ flow: { pool: 'function.report', key: '', debounce } }), joined({ leader })]);
    expect(await check()).toBe(clock.current + 500);
    expect(await failureOf(first)).toBeUndefined();
    expect(fired()).toEqual([timeOf(1)]);
    await work(first, [succeeded(0, { leader: leader.invocation })]);
    await check();
    expect(fired()).toEqual([timeOf(1), timeOf(2)]);
  });
});
