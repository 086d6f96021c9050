import { InvalidArgumentError } from 'commander';
import type { AsOf } from '#src/analysis/history.ts';
import { say } from '#src/cli/texts/say.ts';
import { parseMoment } from '#src/core/text/parse-moment.ts';
import { parseWholeNumber } from '#src/core/text/whole-number.ts';
import { parseDuration } from './durations.ts';

/**
 * Reads a point in time: `2026-01-31T12:00:00Z`, or a duration before now (`30m`, `2h`, `30d`). In milliseconds since the epoch.
 *
 * A point before 1970 counts as 1970, because no message of a log is older. Throws commander's error.
 */
export function parsePointInTime(text: string): number {
  return isMoment(text) ? momentIn(text) : Math.max(0, Date.now() - parseDuration(text));
}

/** Reads a later point in time: `2026-01-31T12:00:00Z`, or a duration after now. Throws commander's error. */
export function parseLaterTime(text: string): number {
  return isMoment(text) ? momentIn(text) : Date.now() + parseDuration(text);
}

const isMoment = (text: string): boolean => /^\d{4}-\d\d-\d\d/.test(text);

function momentIn(text: string): number {
  const at = parseMoment(text);
  if (at !== undefined) return at;
  throw new InvalidArgumentError('Write the moment as 2026-01-31 or 2026-01-31T12:00:00Z.');
}

/** Reads a sequence of the log, or a point in time. Throws commander's error. */
export function parseAsOf(text: string): AsOf {
  const sequence = parseWholeNumber(text);
  return sequence === undefined ? { at: parsePointInTime(text) } : { sequence };
}

export function nameAsOf(asOf: AsOf): string {
  return 'sequence' in asOf ? say('sequence {sequence}', asOf) : new Date(asOf.at).toISOString();
}
