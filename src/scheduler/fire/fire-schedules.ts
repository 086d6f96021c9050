import { messageOf } from '#src/core/errors.ts';
import { leastOf } from '#src/core/least-and-greatest.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { FireTimes } from '#src/core/schedules/fire-times.ts';
import { decodeSchedule, isScheduleKey, type Schedule, type ScheduleName, scheduleNameIn } from '#src/core/schedules/schedule.ts';
import { fireDue } from './fire-due.ts';
import type { FirePorts } from './fire-ports.ts';
import { forgetProgress } from './schedule-progress.ts';

export type FireSchedulesOptions = FirePorts & {
  /** The store of the registry, which holds the schedules. */
  registry: Pick<KeyValue, 'watch'>;
  /** Whether this process may act now; always, by default. */
  takesWork?: () => boolean;
};

/** `nextAt`: when the schedule is checked next. */
type Watched = { schedule: Schedule; times: FireTimes; nextAt: number; isBusy: boolean };

/** The longest time between two checks: a change of a schedule is noticed within it. */
const CHECK_EVERY_MS = 100;
const CHECK_OFTEN_EVERY_MS = 5;
const RETRY_AFTER_MS = 1_000;

/**
 * Requests an invocation at each fire time of each schedule, by the time of the log. Any number of schedulers may run at once (CRON3).
 *
 * Resolves when the present schedules are known.
 */
export async function fireSchedules(options: FireSchedulesOptions): Promise<{ stop(): Promise<void> }> {
  const { registry, state, clock, logger, takesWork = () => true } = options;
  const watched = new Map<ScheduleName, Watched>();
  const stopping = new AbortController();
  const firing = new Set<Promise<void>>();

  await registry.watch(({ key, value }) => {
    if (!isScheduleKey(key)) return;
    const name = scheduleNameIn(key);
    watched.delete(name);
    if (value === undefined) return void forgetProgress(state, name).catch(() => {});
    try {
      const schedule = decodeSchedule(value);
      if (!schedule.paused) watched.set(name, { schedule, times: new FireTimes(schedule), nextAt: 0, isBusy: false });
    } catch (error) {
      logger.error({ schedule: name }, `the schedule cannot be used, and does not fire: ${messageOf(error)}`);
    }
  }, stopping.signal);

  function fireAllDue(now: number): void {
    if (!takesWork()) return;
    for (const one of watched.values()) {
      if (one.isBusy || one.nextAt > now) continue;
      one.isBusy = true;
      const fired = fireOne(one).finally(() => {
        one.isBusy = false;
        firing.delete(fired);
      });
      firing.add(fired);
    }
  }

  async function fireOne(one: Watched): Promise<void> {
    const isPresent = (): boolean => !stopping.signal.aborted && watched.get(one.schedule.name) === one;
    try {
      one.nextAt = await fireDue({ ports: options, schedule: one.schedule, times: one.times, isPresent });
    } catch (error) {
      one.nextAt = clock.now() + RETRY_AFTER_MS;
      logger.warn({ schedule: one.schedule.name, error: messageOf(error) }, 'a schedule could not fire, and is tried again');
    }
  }

  async function tick(): Promise<void> {
    while (!stopping.signal.aborted) {
      fireAllDue(clock.now());
      const next = leastOf([...watched.values()].filter(({ isBusy }) => !isBusy).map(({ nextAt }) => nextAt));
      const pause = Math.min(Math.max(next - clock.now(), CHECK_OFTEN_EVERY_MS), CHECK_EVERY_MS);
      await clock.sleep(pause, stopping.signal);
    }
  }

  const ticking = tick();
  return {
    async stop() {
      stopping.abort();
      await Promise.all([ticking, ...firing]);
    },
  };
}
