import { hash } from 'node:crypto';
import { Cron } from 'croner';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import { quote } from '#src/core/names/names.ts';
import type { Schedule } from './schedule.ts';

/*
 * The fire times of a schedule, computed from the schedule alone (CRON1, CRON2). A fixed time of day that a change to summer time leaves out
 * fires at the first valid time after the gap; one that occurs twice fires at its first occurrence.
 */

/** What the fire times depend on. */
export type Timing = Pick<Schedule, 'name' | 'cron' | 'timeZone' | 'jitterInMs' | 'catchUpInMs' | 'createdAt'>;

/** A fire time, and the moment at which it fires: the jitter later. */
export type Fire = { at: number; dueAt: number };
/** The first and the last fire time that were missed. */
export type Missed = { from: number; to: number };
/** The late fire times that are not missed (CRON5), oldest first, and the first one that is ahead. */
export type Due = { late: readonly Fire[]; next: Fire | undefined; missed: Missed | undefined };

/** After an outage, at most so many fire times of a schedule are made up. */
const MAX_LATE = 100;
/** At most so many missed fire times of one outage are counted. */
const MAX_COUNTED = 1_000;

export class FireTimes {
  readonly #timing: Timing;
  readonly #cron: Cron;

  /** Throws `InvalidInputError` for an expression or a time zone that cannot be used. */
  constructor(timing: Timing) {
    this.#timing = timing;
    this.#cron = parseCron(timing);
  }

  /** The first fire time after a moment; `undefined` when none ever comes. */
  after(moment: number): Fire | undefined {
    const at = this.#cron.nextRun(new Date(moment))?.getTime();
    return at === undefined ? undefined : { at, dueAt: at + this.#jitterOf(at) };
  }

  /** The fire times after a moment, as many as wanted. */
  upcoming(moment: number, count: number): Fire[] {
    const found: Fire[] = [];
    for (let fire = this.after(moment); fire !== undefined && found.length < count; fire = this.after(fire.at)) found.push(fire);
    return found;
  }

  /** What fires after a moment, seen from now. */
  since(moment: number, now: number): Due {
    const oldest = now - this.#timing.catchUpInMs - this.#timing.jitterInMs - 1;
    const late = this.#upTo(now, Math.max(moment, oldest)).filter(({ dueAt }) => dueAt + this.#timing.catchUpInMs >= now);
    const next = this.after(Math.max(moment, now));
    const first = moment < oldest || late.length === MAX_LATE ? this.after(moment) : undefined;
    const following = late[0] ?? next;
    if (first === undefined || first.at > now || first.at === following?.at) return { late, next, missed: undefined };
    const last = this.#cron.previousRuns(1, new Date(following?.at ?? now))[0];
    return { late, next, missed: { from: first.at, to: last?.getTime() ?? first.at } };
  }

  /** The number of fire times that were missed; of a long outage, the first ones only. */
  countMissed({ from, to }: Missed): number {
    let count = 0;
    for (let at: number | undefined = from; at !== undefined && at <= to && count < MAX_COUNTED; at = this.after(at)?.at) count++;
    return count;
  }

  /** The newest fire times after a moment and up to another one. */
  #upTo(end: number, moment: number): Fire[] {
    const found: Fire[] = [];
    for (let fire = this.after(moment); fire !== undefined && fire.at <= end; fire = this.after(fire.at)) {
      if (found.push(fire) > MAX_LATE) return this.#newestUpTo(end);
    }
    return found;
  }

  #newestUpTo(end: number): Fire[] {
    const newest = this.#cron.previousRuns(MAX_LATE, new Date(end + 1)).map((date) => date.getTime());
    return newest.reverse().map((at) => ({ at, dueAt: at + this.#jitterOf(at) }));
  }

  #jitterOf(at: number): number {
    const { name, createdAt, jitterInMs } = this.#timing;
    if (jitterInMs === 0) return 0;
    return Math.floor((Number.parseInt(hash('sha1', `${name}/${createdAt}/${at}`).slice(0, 12), 16) / 2 ** 48) * jitterInMs);
  }
}

function parseCron({ cron, timeZone }: Pick<Timing, 'cron' | 'timeZone'>): Cron {
  let parsed: Cron;
  try {
    // A list of hours is a fixed time as in Vixie cron, so that `30 2,14 * * *` fires twice on every day.
    parsed = new Cron(cron.trim(), { timezone: timeZone, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' });
  } catch (error) {
    throw wrongCron(cron, `is not valid: ${messageOf(error).replace(/^CronPattern: /, '')}`, error);
  }
  if (parsed.getOnce() != null) throw wrongCron(cron, 'is a single time; to invoke a function once: sequent invoke <function> --at <time>');
  if (firstRunOf(parsed, timeZone) === null) throw wrongCron(cron, 'names no time that ever comes');
  return parsed;
}

function wrongCron(cron: string, problem: string, cause?: unknown): InvalidInputError {
  return new InvalidInputError({ field: `the cron expression ${quote(cron)}`, problem }, cause === undefined ? {} : { cause });
}

/**
 * Croner finds an unknown time zone with its own formatter of the zone, of which it keeps one. A formatter for this check alone, for each of 5,000
 * schedules, took 130 MB. Offsets such as `+02:00` have no summer time, and not every version of Node reads them.
 */
function firstRunOf(cron: Cron, timeZone: string): Date | null {
  try {
    if (!/^[A-Za-z]/.test(timeZone)) throw new RangeError('it does not start with a letter');
    return cron.nextRun(new Date(0));
  } catch (cause) {
    const problem = 'is not known here; name one of the IANA database, such as Europe/Berlin, Asia/Shanghai or UTC';
    throw new InvalidInputError({ field: `the time zone ${quote(timeZone)}`, problem }, { cause });
  }
}
