import { say } from '#src/cli/texts/say.ts';
import type { ScheduleState } from '#src/functions/schedule-states.ts';

/** A schedule as JSON of the command line and of the HTTP API. Times are ISO 8601. */
export function scheduleJson({ schedule, revision, progress, next, late }: ScheduleState) {
  const { createdAt, since: _, ...fields } = schedule;
  const { last, fired, skipped, missed } = progress;
  return {
    ...fields,
    revision,
    createdAt: isoTime(createdAt),
    fired,
    ...(last === undefined ? {} : { last: { at: isoTime(last.at), requestId: last.id } }),
    ...(skipped === undefined ? {} : { skipped: { count: skipped.count, at: isoTime(skipped.at) } }),
    ...(missed === undefined ? {} : { missed: { from: isoTime(missed.from), to: isoTime(missed.to), count: missed.count } }),
    ...(late === undefined ? {} : { late: { at: isoTime(late.at), dueAt: isoTime(late.dueAt) } }),
    next: next.map(({ at, dueAt }) => ({ at: isoTime(at), dueAt: isoTime(dueAt) })),
  };
}

export function nextInWords({ schedule: { name, timeZone, paused }, next: [first] }: ScheduleState): string {
  if (paused) return say('it is paused; to resume: sequent schedule resume {name}', { name });
  return first === undefined ? say('it never fires again') : say('it fires next at {time}', { time: timeInZone(first.dueAt, timeZone) });
}

/** A moment in the time zone of a schedule, and in UTC. */
export function timeInZone(at: number, timeZone: string): string {
  const utc = isoTime(at).replace('.000Z', 'Z');
  if (timeZone === 'UTC') return utc;
  const local = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(at);
  return `${local} ${timeZone} (${utc})`;
}

const isoTime = (at: number): string => new Date(at).toISOString();
