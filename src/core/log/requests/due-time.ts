import { InvalidInputError } from '#src/core/errors.ts';
import { quote } from '#src/core/names/names.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { parseDuration } from '#src/core/text/parse-duration.ts';

/*
 * When a delayed request is due: the header `Deliver-At` of its message.
 *
 * Every reader computes the due time from the message alone (E2). A delay therefore counts from the time at which the log stored the
 * message, and a time without a zone is refused.
 */

/** The longest delay: a year, also a leap year. */
export const MAX_DELAY_IN_MS = 366 * 86_400_000;

const FORMS = 'must be a time with its zone (2026-12-24T08:00:00Z), milliseconds since the epoch (13 digits), or a delay (+10m)';

/** When a request is due. Without `dueAt` it is due at acceptance. */
export type DueTime = { dueAt?: number; problem?: never } | { dueAt?: never; problem: string };

/** Reads the text of the header, for a request that the log accepted at `acceptedAt`. A time that has passed means: at once. */
export function readDueTime(text: string, acceptedAt: number): DueTime {
  const moment = text.startsWith('+') ? acceptedAt + (parseDuration(text.slice(1)) ?? Number.NaN) : parseInstant(text);
  if (Number.isNaN(moment)) return { problem: FORMS };
  if (moment - acceptedAt > MAX_DELAY_IN_MS) return { problem: 'must be at most 366 days ahead' };
  return moment > acceptedAt ? { dueAt: moment } : {};
}

/** The choice of a caller: a moment, or a delay in milliseconds or as a text such as `10m`. */
export type DueOptions = { at?: Date | number | string | undefined; delay?: number | string | undefined };

/** The text of the header for a choice. Throws `InvalidInputError`. `now` is the time of the log. */
export function deliverAtOf({ at, delay }: DueOptions, now: number): string {
  if (at !== undefined && delay !== undefined)
    throw new InvalidInputError({ field: 'at', problem: 'cannot be given together with "delay"' });
  const [field, text] = at === undefined ? ['delay', `+${textOfDelay(delay)}`] : ['at', textOfMoment(at)];
  const { problem } = readDueTime(text, now);
  // A person wrote the delay in days, and a library counts milliseconds.
  const shown = typeof delay === 'number' ? formatDuration(delay) : quote(text);
  if (problem !== undefined) throw new InvalidInputError({ field: `${field} ${shown}`, problem });
  return text;
}

function textOfDelay(delay: number | string | undefined): string {
  return typeof delay === 'number' ? `${Math.round(delay)}ms` : String(delay).trim();
}

function textOfMoment(at: Date | number | string): string {
  return typeof at === 'string' ? at.trim() : String(Math.round(Number(at)));
}

const instant = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/i;

/** Thirteen digits, because a time in seconds would be a day of January 1970, and the request would start at once. */
function parseInstant(text: string): number {
  if (/^\d{13}$/.test(text)) return Number(text);
  const [, year, month, day] = instant.exec(text) ?? [];
  // `Date.parse` accepts 30 February.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return year === undefined || Number(day) > lastDay ? Number.NaN : Date.parse(text);
}
