import { InvalidArgumentError } from 'commander';
import { parseMoment } from '#src/core/text/parse-moment.ts';
import { parseDuration } from './durations.ts';

/** Reads how far back to look: `30m`, `2h`, `1d`, or a moment such as `2026-01-31T12:00:00Z`; as milliseconds since the epoch. */
export function parseSince(text: string): number {
  if (/^\d{4}-\d\d-\d\d/.test(text)) {
    const at = parseMoment(text);
    if (at !== undefined) return at;
    throw new InvalidArgumentError('Write the moment as 2026-01-31 or 2026-01-31T12:00:00Z.');
  }
  return Date.now() - parseDuration(text);
}

/** Reads `50/s`, `100/m`, `10/h`, or a number a second, as a number a second. */
export function parseRate(text: string): number {
  const [, amount, unit = 's'] = /^(\d{1,9}(?:\.\d{1,6})?)(?:\/(s|m|min|h))?$/.exec(text.trim()) ?? [];
  const perSecond = Number(amount) / (parseDuration(`1${unit}`) / 1_000);
  if (amount === undefined || !(perSecond > 0)) throw new InvalidArgumentError('Write it as 50/s, 100/m or 10/h.');
  return perSecond;
}
