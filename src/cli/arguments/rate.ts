import { InvalidArgumentError } from 'commander';
import { parseRateFields } from '#src/core/text/rate-text.ts';
import { parseDuration } from './durations.ts';

/** Reads `50/s`, `100/m`, `10/h`, or a number per second, as a number per second. Throws commander's error. */
export function parseRate(text: string): number {
  const [, amount, unit = 's'] = /^(\d{1,9}(?:\.\d{1,6})?)(?:\/(s|m|min|h))?$/.exec(text.trim()) ?? [];
  const perSecond = Number(amount) / (parseDuration(`1${unit}`) / 1_000);
  if (amount === undefined || !(perSecond > 0)) throw new InvalidArgumentError('Write the rate as 50/s, 100/m or 10/h.');
  return perSecond;
}

/** Reads the rate of a flow, such as `100/1s` or `100/1m:20`. Throws commander's error. */
export function parseFlowRate(text: string): object {
  const rate = parseRateFields(text);
  if (rate === undefined) throw new InvalidArgumentError('Write the rate as 100/1s, or as 100/1m:20 with a burst of 20.');
  return rate;
}
