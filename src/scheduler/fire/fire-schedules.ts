import FlatQueue from 'flatqueue';
import { messageOf } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { FireTimes } from '#src/core/schedules/fire-times.ts';
import type { Progress } from '#src/core/schedules/progress.ts';
import { decodeSchedule, isScheduleKey, type Schedule, type ScheduleName, scheduleNameIn } from '#src/core/schedules/schedule.ts';
import { fireDue } from './fire-due.ts';
import type { FirePorts } from './fire-ports.ts';
import { forgetProgress } from './schedule-progress.ts';

export type FireSchedulesOptions = FirePorts & {
  /** Reports the schedules and their changes. */
  registry: Pick<KeyValue, 'watch'>;
  /** Whether this process may act now; always, by default. */
  takesWork?: () => boolean;
};

/** `nextAt`: when the schedule is checked next; 0 before the first check. `times`: kept while it is near. `doneAt`: the latest progress that was read. */
type Watched = { schedule: Schedule; times: FireTimes | undefined; nextAt: number; doneAt: number };

/** The longest time between two checks: a change of a schedule is noticed within it. */
const CHECK_EVERY_MS = 100;
const CHECK_OFTEN_EVERY_MS = 5;
const RETRY_AFTER_MS = 1_000;
/** The fire times of 5,000 schedules took 500 MB, so those of a schedule that fires later are not kept. */
const KEPT_FOR_MS = 60_000;
/** How many schedules are checked at one moment. All are due at the start of a scheduler. */
const MAX_FIRING = 64;

/**
 * Requests an invocation at each fire time of each schedule, by the time of the log. Any number of schedulers may run at once (CRON3).
 *
 * Resolves when the present schedules are known. `checked` resolves when the first check of each present schedule has begun.
 */
export async function fireSchedules(options: FireSchedulesOptions): Promise<{ checked: Promise<void>; stop(): Promise<void> }> {
  const { registry, state, clock, logger, takesWork = () => true } = options;
  const watched = new Map<ScheduleName, Watched>();
  const isPresent = (one: Watched): boolean => watched.get(one.schedule.name) === one;
  const queue = new CheckQueue(isPresent);
  const stopping = new AbortController();
  const firing = new Set<Promise<void>>();

  await registry.watch(({ key, value }) => {
    if (!isScheduleKey(key)) return;
    const name = scheduleNameIn(key);
    watched.delete(name);
    if (value === undefined) return void forgetProgress(state, name).catch(() => {});
    try {
      const schedule = decodeSchedule(value);
      if (schedule.paused) return;
      const added = { schedule, times: undefined, nextAt: 0, doneAt: 0 };
      watched.set(name, added);
      queue.add(added, 2 * watched.size);
    } catch (error) {
      reportUnusable(name, error);
    }
  }, stopping.signal);

  let onChecked = (): void => {};
  const checked = new Promise<void>((resolve) => {
    onChecked = resolve;
  });

  function reportUnusable(schedule: ScheduleName, error: unknown): void {
    logger.error({ schedule }, `the schedule cannot be used, and does not fire: ${messageOf(error)}`);
  }

  /** Returns when the next schedule is due, of those that are not being checked. */
  function fireAllDue(now: number): number {
    while (takesWork() && firing.size < MAX_FIRING && queue.nextAt <= now) fire(queue.take());
    if (queue.nextAt > 0) onChecked();
    return queue.nextAt;
  }

  function fire(one: Watched): void {
    const fired = fireOne(one).finally(() => {
      firing.delete(fired);
      if (isPresent(one)) queue.add(one, 2 * watched.size);
    });
    firing.add(fired);
  }

  async function fireOne(one: Watched): Promise<void> {
    const { schedule } = one;
    const times = isPresent(one) ? timesOf(one) : undefined;
    if (times === undefined) return;
    const isStill = (progress: Progress): boolean => !stopping.signal.aborted && isPresent(one) && advances(one, progress);
    try {
      one.nextAt = await fireDue({ ports: options, schedule, times, isPresent: isStill });
      one.times = one.nextAt < clock.now() + KEPT_FOR_MS ? times : undefined;
    } catch (error) {
      one.nextAt = clock.now() + RETRY_AFTER_MS;
      logger.warn({ schedule: schedule.name, error: messageOf(error) }, 'a schedule could not fire, and is tried again');
    }
  }

  /** Parses the expression here, and not when the schedule is read: at the start of a scheduler, each would be parsed twice. */
  function timesOf({ schedule, times }: Watched): FireTimes | undefined {
    try {
      return times ?? new FireTimes(schedule);
    } catch (error) {
      watched.delete(schedule.name);
      reportUnusable(schedule.name, error);
      return undefined;
    }
  }

  async function tick(): Promise<void> {
    while (!stopping.signal.aborted) {
      const next = fireAllDue(clock.now());
      const pause = Math.min(Math.max(next - clock.now(), CHECK_OFTEN_EVERY_MS), CHECK_EVERY_MS);
      await clock.sleep(pause, stopping.signal);
    }
  }

  const ticking = tick();
  return {
    checked,
    async stop() {
      stopping.abort();
      await Promise.all([ticking, ...firing]);
    },
  };
}

/**
 * Notes a progress; false for one that goes back. A scheduler that knew earlier of the removal of the schedule forgot it, and it no longer names the
 * invocation before (CRON6).
 */
function advances(one: Watched, { at }: Progress): boolean {
  if (at < one.doneAt) return false;
  one.doneAt = at;
  return true;
}

/** How many schedules the queue may hold more than twice the present ones. */
const MAX_FORMER = 1_024;

/** The schedules that are not being checked, by the times of their next checks: a look costs the same however many there are. */
class CheckQueue {
  readonly #queue = new FlatQueue<Watched>();
  readonly #isPresent: (one: Watched) => boolean;

  constructor(isPresent: (one: Watched) => boolean) {
    this.#isPresent = isPresent;
  }

  get nextAt(): number {
    return this.#queue.peekValue() ?? Number.POSITIVE_INFINITY;
  }

  /** A schedule that changes leaves its former state in the queue, perhaps for a year. From a bound on, these are removed. */
  add(one: Watched, bound: number): void {
    const queue = this.#queue;
    if (queue.length > bound + MAX_FORMER) {
      const present = queue.ids.slice(0, queue.length).filter(this.#isPresent);
      queue.clear();
      for (const other of present) queue.push(other, other.nextAt);
      queue.shrink();
    }
    queue.push(one, one.nextAt);
  }

  /** The first one. There must be one. */
  take(): Watched {
    return this.#queue.pop() as Watched;
  }
}
