import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { KeyValueChange } from '#src/core/ports/stores/key-value.ts';
import { encodeSchedule, type Schedule, type ScheduleName, scheduleKeyOf } from '#src/core/schedules/schedule.ts';
import { StoredSchedules } from '#src/core/schedules/stored-schedules.ts';
import { fireSchedules } from '#src/scheduler/fire/fire-schedules.ts';
import { MINUTE, openSchedule, START } from '#test/support/scheduler/checked-schedule.ts';

/** A scheduler of these schedules, whose looks the test makes. */
async function open(schedules: Partial<Schedule>[]) {
  const { schedule, ports, clock, state, requests } = openSchedule();
  const registry = new StoredSchedules();
  const changeOf = (given: Partial<Schedule>): KeyValueChange => {
    const changed = { ...schedule, ...given };
    return { key: scheduleKeyOf(changed.name), value: encodeSchedule(changed), revision: 1 };
  };
  for (const one of schedules) registry.applyChange(changeOf(one));
  const reported: unknown[] = [];
  const reads: string[] = [];
  let wake = (): void => {};
  const sleep = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const get = (key: string) => {
    reads.push(key);
    return state.get(key);
  };
  const firing = await fireSchedules({
    ...ports,
    registry,
    clock: { ...clock, now: () => clock.current, sleep },
    state: { ...state, get },
    logger: { ...silentLogger, error: (given, text) => void reported.push({ ...given, text }) },
  });
  return {
    checked: firing.checked,
    async stop() {
      const stopping = firing.stop();
      wake();
      await stopping;
    },
    reported,
    reads,
    fired: () => requests().map(({ schedule: by }) => by?.name),
    change: (given: Partial<Schedule>) => registry.applyChange(changeOf(given)),
    /** Looks as often as it takes to check all that is due at this time. */
    async lookAt(time: number): Promise<void> {
      clock.current = time;
      for (let look = 0; look < 100; look++) {
        wake();
        await setImmediate();
      }
    },
  };
}

const named = (name: string): Partial<Schedule> => ({ name: name as ScheduleName, cron: '* * * * *', timeZone: 'UTC' });

describe('the schedules of a scheduler', () => {
  test('that cannot be used are reported once, and the others fire', async () => {
    const { checked, stop, reported, fired, lookAt } = await open([{ ...named('wrong'), timeZone: 'Europe/Berlyn' }, named('right')]);
    await lookAt(START);
    await checked;
    await lookAt(START + MINUTE);
    expect(fired()).toEqual(['right']);
    expect(reported).toEqual([{ schedule: 'wrong', text: expect.stringContaining('"Europe/Berlyn" is not known here') }]);
    await stop();
  });

  test('are all checked once at the start, and then at their times alone', async () => {
    const many = Array.from({ length: 200 }, (_, index) => ({ ...named(`s${index}`), cron: index === 7 ? '* * * * *' : '0 4 1 6 *' }));
    const { checked, stop, reads, fired, lookAt } = await open(many);
    await lookAt(START);
    await checked;
    expect(new Set(reads).size).toBe(200);
    reads.length = 0;
    await lookAt(START + MINUTE);
    expect(fired()).toEqual(['s7']);
    expect(new Set(reads).size).toBe(1);
    await stop();
  });

  test('fire once after thousands of changes, whose former states are forgotten', async () => {
    const { stop, fired, change, lookAt } = await open([named('changing'), named('other')]);
    await lookAt(START);
    for (let index = 0; index < 5_000; index++) change({ ...named('changing'), description: `${index}` });
    await lookAt(START + MINUTE);
    expect(fired().sort()).toEqual(['changing', 'other']);
    await stop();
  });
});
