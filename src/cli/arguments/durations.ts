import { InvalidArgumentError, Option } from 'commander';
import { parseDuration as parse } from '#src/core/text/parse-duration.ts';
import { parseWholeNumber } from '#src/core/text/whole-number.ts';

/** A longer delay overflows the timers of Node, which then fire at once. */
const LONGEST_TIMER_IN_MS = 2_147_483_647;

/** Reads `500ms`, `30s`, `5m`, `1h`, `30d`, or a number of seconds, as milliseconds. Throws commander's error. */
export function parseDuration(text: string): number {
  const ms = parse(/^[\d.]+$/.test(text.trim()) ? `${text.trim()}s` : text);
  if (ms === undefined) throw new InvalidArgumentError('Write the duration as 500ms, 30s, 5m, 1h or 30d; a bare number is seconds.');
  if (!Number.isSafeInteger(ms)) throw new InvalidArgumentError('The duration is too long.');
  return ms;
}

/** An option for the time that a command waits. The help shows the default as a person writes it. */
export function durationOption(flags: string, description: string, ms: number): Option {
  return new Option(flags, description).argParser(parseTimeout).default(ms, `${ms / 1_000}s`);
}

function parseTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms > LONGEST_TIMER_IN_MS) throw new InvalidArgumentError('The duration is longer than 24 days.');
  return ms;
}

/** An argument parser for numbers from `min` to `max`, such as 0.5. The parser throws commander's error. */
export function parseDecimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`The value must be a number from ${min} to ${max}.`);
  };
}

/** An argument parser for whole numbers from `min` to `max`. The parser throws commander's error. */
export function parseWhole(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = parseWholeNumber(text, min, max);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(
      max === Number.MAX_SAFE_INTEGER
        ? `The value must be a whole number from ${min} on.`
        : `The value must be a whole number from ${min} to ${max}.`,
    );
  };
}
