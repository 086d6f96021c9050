import { setImmediate } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { SequentError } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { type Fire, FireTimes } from '#src/core/schedules/fire-times.ts';
import { decodeProgress, type Progress, progressKeyOf } from '#src/core/schedules/progress.ts';
import {
  decodeSchedule,
  SCHEDULE_PREFIX,
  type Schedule,
  type ScheduleName,
  scheduleKeyOf,
  scheduleNameIn,
} from '#src/core/schedules/schedule.ts';

/** A schedule as the registry stores it. */
export type StoredSchedule = { schedule: Schedule; revision: number };

/** A schedule, how far it has fired, and its next fire times. A paused schedule has none. */
export type ScheduleState = StoredSchedule & {
  progress: Progress;
  next: readonly Fire[];
  /** The oldest fire time that is due and neither fired nor was skipped: it is about to fire, or waits, or no scheduler runs. */
  late: Fire | undefined;
};

export interface ScheduleStates {
  read(name: ScheduleName): Promise<StoredSchedule | undefined>;
  /** `upcoming`: how many of the next fire times are wanted. */
  stateOf(stored: StoredSchedule, upcoming: number): Promise<ScheduleState>;
  list(upcoming: number): Promise<ScheduleState[]>;
  page(page: SchedulePage, upcoming: number): Promise<{ states: ScheduleState[]; hasMore: boolean }>;
}

/** Schedules by name. `after`: the last name of the page before. */
export type SchedulePage = { after?: string | undefined; limit: number; isWanted?: (name: string) => boolean };

export type ScheduleStatesOptions = {
  /** The store of the registry. */
  store: Pick<KeyValue, 'get' | 'names'>;
  /** The store of the progress. */
  state: Pick<KeyValue, 'get'>;
  clock: Pick<Clock, 'now'>;
  payloads?: Pick<PayloadSealer, 'open'> | undefined;
};

/** How many schedules are read at one time. */
const READ_AT_ONCE = 64;

/** Reads the schedules, and their progress. */
export function createScheduleStates({ store, state, clock, payloads }: ScheduleStatesOptions): ScheduleStates {
  async function read(name: ScheduleName): Promise<StoredSchedule | undefined> {
    const entry = await store.get(scheduleKeyOf(name));
    return entry === undefined ? undefined : { schedule: decodeSchedule(entry.value), revision: entry.revision };
  }

  async function progressOf({ schedule }: StoredSchedule): Promise<Progress> {
    return decodeProgress((await state.get(progressKeyOf(schedule.name)))?.value, schedule);
  }

  function stateAt({ schedule, revision }: StoredSchedule, progress: Progress, upcoming: number): ScheduleState {
    const shown = { ...schedule, event: shownEvent(schedule, payloads) };
    if (schedule.paused) return { schedule: shown, revision, progress, next: [], late: undefined };
    const [times, now] = [new FireTimes(schedule), clock.now()];
    const done = Math.max(progress.at, schedule.since);
    const late = times.since(done, now).late.find(({ dueAt }) => dueAt <= now);
    return { schedule: shown, revision, progress, next: times.upcoming(Math.max(now, done), upcoming), late };
  }

  const readNames = async (): Promise<ScheduleName[]> => (await store.names(SCHEDULE_PREFIX)).map(scheduleNameIn);

  async function readAll(names: readonly ScheduleName[], upcoming: number): Promise<ScheduleState[]> {
    const reading = pLimit(READ_AT_ONCE);
    const readOne = async (name: ScheduleName) => {
      // An unreadable entry, which the registry did not write, is left out.
      const stored = await read(name).catch(() => undefined);
      return stored && { stored, progress: await progressOf(stored) };
    };
    const found = (await Promise.all(names.map((name) => reading(() => readOne(name))))).filter((one) => one !== undefined);
    const states: ScheduleState[] = [];
    for (const { stored, progress } of found) {
      // The times of one take up to 5 ms of the thread that all projects share.
      await setImmediate();
      states.push(stateAt(stored, progress, upcoming));
    }
    return states;
  }

  return {
    read,
    stateOf: async (stored, upcoming) => stateAt(stored, await progressOf(stored), upcoming),
    list: async (upcoming) => await readAll(await readNames(), upcoming),
    async page({ after = '', limit, isWanted = () => true }, upcoming) {
      const names = (await readNames()).filter((name) => name > after && isWanted(name));
      return { states: await readAll(names.slice(0, limit), upcoming), hasMore: names.length > limit };
    },
  };
}

/** The event as a reader with the keys of the project sees it. */
function shownEvent({ function: fn, event }: Schedule, payloads: ScheduleStatesOptions['payloads']): string {
  try {
    return payloads?.open(fn, event) ?? event;
  } catch (error) {
    // Without the keys of the project, or after its erasure, the sealed text is shown.
    if (error instanceof SequentError) return event;
    throw error;
  }
}
