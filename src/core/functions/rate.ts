import { z } from 'zod';
import { wholeNumber } from '#machines/bounds.ts';
import { durationSchema } from '#src/core/text/duration-schema.ts';
import { parseDuration } from '#src/core/text/parse-duration.ts';

const SHORTEST_IN_MS = 1_000;

/** How many attempts of a function may start in a time: a token bucket. */
export const rateSchema = z.strictObject(
  {
    limit: wholeNumber('the limit of the rate', { from: 1, to: 10_000, of: 'starts' }).describe('attempts that start in each period'),
    per: durationSchema({ from: '1s', to: '1d', examples: '1s, 1m or 1h' }).describe('the period: 1s, 1m, 1h'),
    burst: wholeNumber('the burst', { from: 1, to: 10_000, of: 'starts' })
      .optional()
      .describe('attempts that may start at once after a pause; by default as many as the rate lets start in one second, at least 1'),
  },
  { error: ({ code }) => (code === 'invalid_type' ? 'must be a limit and a period, such as 100/1s' : undefined) },
);

export type RateInput = z.infer<typeof rateSchema>;

/** A rate in numbers: `burst` tokens at most, of which `limit` come back in `perInMs`. */
export type Rate = { readonly limit: number; readonly perInMs: number; readonly burst: number };

export function rateOf({ limit, per, burst }: RateInput): Rate {
  const perInMs = parseDuration(per) ?? SHORTEST_IN_MS;
  return { limit, perInMs, burst: burst ?? Math.max(1, Math.ceil((limit * 1_000) / perInMs)) };
}

declare const brand: unique symbol;
/** The text of a rate. Functions of a pool with an equal text share the tokens of each key. */
export type RateText = string & { readonly [brand]: 'RateText' };

export function rateTextOf({ limit, perInMs, burst }: Rate): RateText {
  return `${limit}/${perInMs}/${burst}` as RateText;
}

/** The rate that was parsed last: a worker asks for one rate a hundred times at each change of the ledger. */
let last: { text: RateText; rate: Rate } | undefined;

export function parseRateText(text: RateText): Rate {
  if (last?.text === text) return last.rate;
  const [limit = Number.NaN, perInMs = Number.NaN, burst = Number.NaN] = text.split('/').map(Number);
  last = { text, rate: { limit, perInMs, burst } };
  return last.rate;
}

/** Whether a text is one of {@link rateTextOf}. */
export function isRateText(text: string): text is RateText {
  return /^[1-9]\d{0,4}\/[1-9]\d{3,7}\/[1-9]\d{0,4}$/.test(text);
}
