import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { isSealed } from '#src/core/encryption/sealed-text.ts';
import { ConflictError, InvalidInputError, ScheduleNotFoundError } from '#src/core/errors.ts';
import { parseInput } from '#src/core/functions/entry.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, quote, type RequestId, splitName } from '#src/core/names/names.ts';
import type { Clock, Random } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { repeatOnConflict } from '#src/core/repeat-on-conflict.ts';
import { requestNow } from '#src/core/schedules/fire-request.ts';
import { FireTimes } from '#src/core/schedules/fire-times.ts';
import {
  encodeSchedule,
  isScheduleName,
  MAX_EVENT_CHARACTERS,
  type Schedule,
  type ScheduleInput,
  type ScheduleName,
  scheduleInputSchema,
  scheduleKeyOf,
} from '#src/core/schedules/schedule.ts';
import type { FunctionRegistry } from './registry.ts';
import { createScheduleStates, type SchedulePage, type ScheduleState, type StoredSchedule } from './schedule-states.ts';

/** The schedules of functions. Names contain the project, as those of functions do. */
export interface Schedules {
  /**
   * Creates a schedule, or replaces it. Its fire times count from now on when it is new, or when its times changed.
   *
   * Throws `InvalidInputError` with the field, `FunctionNotFoundError`, and `ConflictError` when `expected` is not the present revision.
   */
  put(input: ScheduleInput, expected?: number): Promise<ScheduleState>;
  /** Throws `ScheduleNotFoundError`. `upcoming`: how many fire times are wanted. */
  get(name: string, upcoming?: number): Promise<ScheduleState>;
  /** `upcoming`: how many fire times of each are wanted; one by default. */
  list(upcoming?: number): Promise<ScheduleState[]>;
  /** A page of the schedules, by name. Schedules that were deleted may count for the length of the page. */
  page(page: SchedulePage, upcoming?: number): Promise<{ states: ScheduleState[]; hasMore: boolean }>;
  /** Throws `ScheduleNotFoundError`. Invocations that were requested stay. */
  delete(name: string): Promise<void>;
  /** A paused schedule does not fire. The fire times of the pause are not made up. Throws `ScheduleNotFoundError`. */
  setPaused(name: string, paused: boolean): Promise<ScheduleState>;
  /** Requests an invocation now, whatever runs, also while the schedule is paused. Throws `ScheduleNotFoundError`. */
  run(name: string): Promise<RequestId>;
}

export type SchedulesOptions = {
  /** The store of the registry. */
  store: KeyValue;
  /** The store of the progress. */
  state: Pick<KeyValue, 'get'>;
  functions: Pick<FunctionRegistry, 'find'>;
  log: Pick<EventLog, 'accept'>;
  clock: Pick<Clock, 'now'>;
  random: Random;
  payloads?: Pick<PayloadSealer, 'seal' | 'open'> | undefined;
};

const UPCOMING = 5;

export function createSchedules(options: SchedulesOptions): Schedules {
  const { store, log, clock, random } = options;
  const states = createScheduleStates(options);
  const stateOf = (stored: StoredSchedule, upcoming = UPCOMING): Promise<ScheduleState> => states.stateOf(stored, upcoming);

  async function readPresent(name: string): Promise<StoredSchedule> {
    const stored = await states.read(parseScheduleName(name));
    if (stored === undefined) throw new ScheduleNotFoundError({ name });
    return stored;
  }

  async function write(schedule: Schedule, expected: number): Promise<StoredSchedule> {
    const revision = await store.put(scheduleKeyOf(schedule.name), encodeSchedule(schedule), expected).catch((cause: unknown) => {
      throw cause instanceof ConflictError
        ? new ConflictError({ what: (nameOf) => `schedule "${nameOf(schedule.name)}"` }, { cause })
        : cause;
    });
    // The schedulers know the change when it is acknowledged (FN1).
    await store.reachedWatchers(revision);
    return { schedule, revision };
  }

  return {
    async put(input, expected) {
      const given = await checked(input, options, async (name) => (await states.read(name))?.schedule.event);
      const replace = async (): Promise<StoredSchedule> => {
        const present = await states.read(given.name);
        return await write(replacing(present?.schedule, given, clock.now()), expected ?? present?.revision ?? 0);
      };
      return await stateOf(expected === undefined ? await repeatOnConflict(replace) : await replace());
    },
    get: async (name, upcoming) => await stateOf(await readPresent(name), upcoming),
    list: async (upcoming = 1) => await states.list(upcoming),
    page: async (page, upcoming = 1) => await states.page(page, upcoming),
    async delete(name) {
      const { schedule } = await readPresent(name);
      await store.delete(scheduleKeyOf(schedule.name));
      await store.reachedWatchers(await store.newestRevision());
    },
    async setPaused(name, paused) {
      const stored = await repeatOnConflict(async () => {
        const present = await readPresent(name);
        if (present.schedule.paused === paused) return present;
        return await write({ ...present.schedule, paused, since: paused ? present.schedule.since : clock.now() }, present.revision);
      });
      return await stateOf(stored);
    },
    async run(name) {
      const { schedule } = await readPresent(name);
      const { name: stream, request } = requestNow(schedule, createStreamId(clock.now(), random.bytes(8)));
      await log.accept(stream, [request]);
      return request.id;
    },
  };
}

/** No caller sees the name of the project: callers use bare names. */
function parseScheduleName(name: string): ScheduleName {
  if (isScheduleName(name)) return name;
  throw new InvalidInputError({
    field: `schedule name ${quote(name)}`,
    problem: 'must be 1 to 60 letters, digits, "-" or "_", start with a letter and end with a letter or digit',
  });
}

type Checked = ReturnType<typeof parseScheduleInput> & { name: ScheduleName; function: FunctionName };

function parseScheduleInput(input: unknown) {
  return parseInput(scheduleInputSchema, input, 'the schedule');
}

/** `storedEvent` reads the event that the schedule has. Throws `InvalidInputError`, and `FunctionNotFoundError`. */
async function checked(
  input: unknown,
  { functions, payloads, clock }: SchedulesOptions,
  storedEvent: (name: ScheduleName) => Promise<string | undefined>,
): Promise<Checked> {
  const given = parseScheduleInput(input);
  const name = parseScheduleName(given.name);
  const fn = parseFunctionName(given.function);
  if (splitName(name).project !== splitName(fn).project)
    throw new InvalidInputError({ field: 'the function of the schedule', problem: 'must be of the same project' });
  // The constructor checks the expression and the time zone.
  new FireTimes({ ...given, name, createdAt: clock.now() });
  await functions.find(fn, given.qualifier);
  // Who has no key of the project sees the sealed text, and changes other fields without it.
  if (isSealed(given.event) && given.event === (await storedEvent(name))) return { ...given, name, function: fn };
  if (given.event !== '' && parseJson(given.event) === undefined)
    throw new InvalidInputError({ field: 'the event', problem: 'is not JSON' });
  if (given.event.length > MAX_EVENT_CHARACTERS)
    throw new InvalidInputError({ field: 'the event', problem: `has more than ${MAX_EVENT_CHARACTERS} characters` });
  return { ...given, name, function: fn, event: payloads?.seal(fn, given.event) ?? given.event };
}

/** Past fire times of new times are never made up. */
function replacing(present: Schedule | undefined, given: Checked, now: number): Schedule {
  const { qualifier, ...rest } = given;
  const isSame = present !== undefined && present.cron === given.cron && present.timeZone === given.timeZone;
  return {
    ...rest,
    ...(qualifier === undefined ? {} : { qualifier }),
    paused: present?.paused ?? false,
    createdAt: present?.createdAt ?? now,
    since: isSame ? present.since : now,
  };
}
