import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { parseInput } from '#src/core/functions/entry.ts';
import { parseJson } from '#src/core/json/json.ts';
import { type FunctionName, isBareName, isFunctionName, isQualifier, splitName } from '#src/core/names/names.ts';

/*
 * A schedule: when a function is invoked again and again, and with which event. It is one entry of the bucket of the registry, which every
 * scheduler follows (FN1).
 */

/** The name of a schedule: of the form of a function name, with the project of its function. */
export type ScheduleName = FunctionName;

/** What happens at a fire time while the invocation of the fire time before is not over. */
export const overlaps = ['skip', 'queue', 'cancel', 'allow'] as const;
export type Overlap = (typeof overlaps)[number];

const DAY_IN_MS = 86_400_000;
/** The default of the catch-up window: an outage of a night loses no nightly run. */
const CATCH_UP_IN_MS = DAY_IN_MS;
/** A longer window could exceed the retention of the log, which recognises an invocation that was requested already. */
export const MAX_CATCH_UP_IN_MS = 7 * DAY_IN_MS;
/** A fire time is always a little in the past when it fires. */
const MIN_CATCH_UP_IN_MS = 10_000;
/** Every process that follows the registry receives all schedules. */
export const MAX_EVENT_CHARACTERS = 64 * 1_024;

const milliseconds = (min: number, max: number, words: string) => z.int(words).min(min, words).max(max, words);

const inputShape = {
  name: z.string(),
  /** Five fields (minute, hour, day of the month, month, day of the week), or six with seconds before them. */
  cron: z.string().max(200),
  /** A name of the IANA database. */
  timeZone: z.string().max(64).default('UTC'),
  function: z.string(),
  qualifier: z.string().refine(isQualifier, 'must be a version, or "!" and an alias').optional(),
  /** The event as JSON text; empty for the event `{}`. Sealed when the project encrypts payloads. */
  event: z
    .string()
    .max(4 * MAX_EVENT_CHARACTERS)
    .default(''),
  overlap: z.enum(overlaps).default('skip'),
  /** How late a fire time may be made up after an outage. */
  catchUpInMs: milliseconds(MIN_CATCH_UP_IN_MS, MAX_CATCH_UP_IN_MS, 'must be 10 seconds to 7 days').default(CATCH_UP_IN_MS),
  /** Each fire time is delayed by a part of this time, which derives from the schedule and the fire time. */
  jitterInMs: milliseconds(0, DAY_IN_MS, 'must be at most 24 hours').default(0),
  description: z.string().max(512).default(''),
};
export const scheduleInputSchema = z.strictObject(inputShape);
/** A schedule as its owner writes it. */
export type ScheduleInput = z.input<typeof scheduleInputSchema>;

/** An entry may have fields of a later version. */
const storedSchema = z.object({
  ...inputShape,
  function: z.string().refine(isFunctionName),
  paused: z.boolean().default(false),
  /** With the name, the identity of the schedule. */
  createdAt: z.number(),
  /** Only fire times after this moment count: the creation, or the latest change of the times, or the end of a pause. */
  since: z.number(),
});
export type Schedule = Omit<z.output<typeof storedSchema>, 'function' | 'name'> & { name: ScheduleName; function: FunctionName };

/** Whether the text is the name of a schedule, after `<project>=` in another project than the own one. A schedule belongs to no package. */
export function isScheduleName(text: string): text is ScheduleName {
  return isFunctionName(text) && isBareName(splitName(text).bare);
}

/** What the keys of schedules begin with. */
export const SCHEDULE_PREFIX = 'schedule.';
export const scheduleKeyOf = (name: ScheduleName): string => SCHEDULE_PREFIX + name;

/** Whether a key of the store of the registry holds a schedule, and is no function. */
export function isScheduleKey(key: string): boolean {
  return key.startsWith(SCHEDULE_PREFIX);
}

export function scheduleNameIn(key: string): ScheduleName {
  return key.slice(SCHEDULE_PREFIX.length) as ScheduleName;
}

export function encodeSchedule(schedule: Schedule): string {
  return JSON.stringify(schedule);
}

/** Throws `InvalidInputError` for an entry that the registry did not write. */
export function decodeSchedule(value: string): Schedule {
  const stored = parseInput(storedSchema, parseJson(value), 'the schedule');
  const { name, function: fn } = stored;
  if (isScheduleName(name) && isFunctionName(fn) && splitName(name).project === splitName(fn).project) return stored as Schedule;
  throw new InvalidInputError({ field: 'the schedule', problem: 'names a function of another project' });
}
