import { InvalidArgumentError, Option } from 'commander';
import { parseDuration as parse } from '#src/core/text/parse-duration.ts';
import { parseWholeNumber } from '#src/core/text/whole-number.ts';

/** Reads `500ms`, `30s`, `5m`, `1h`, `1d`, or a number of seconds, as milliseconds. For an option: throws commander's error. */
export function parseDuration(text: string): number {
  const ms = parse(/^[\d.]+$/.test(text.trim()) ? `${text.trim()}s` : text);
  if (ms === undefined) throw new InvalidArgumentError('Write it as 500ms, 30s, 5m, 1h or 1d; a bare number is seconds.');
  // Longer waits overflow the timers of Node.
  if (ms > 2_147_483_647) throw new InvalidArgumentError('It is longer than 24 days.');
  return ms;
}

/** An option that takes a duration, whose default is shown as it is written. */
export function durationOption(flags: string, description: string, ms: number): Option {
  return new Option(flags, description).argParser(parseDuration).default(ms, `${ms / 1_000}s`);
}

/** Reads a whole number from `min` on. For an option: throws commander's error. */
export function parseWhole(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = parseWholeNumber(text, min, max);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(
      max === Number.MAX_SAFE_INTEGER ? `It must be a whole number from ${min} on.` : `It must be a whole number from ${min} to ${max}.`,
    );
  };
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1_024 ** power).toFixed(1)} ${['B', 'KB', 'MB', 'GB', 'TB'][power]}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A moment in this machine's time of day, to the millisecond. */
export function formatTimeOfDay(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** A moment as a person reads it, in this machine's time, to the second. */
export function formatMoment(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
