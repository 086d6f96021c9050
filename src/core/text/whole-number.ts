import { z } from 'zod';

/** Digits alone: no sign, no exponent, no other base. Fifteen of them are exact in a number. */
const form = /^\d{1,15}$/;

/** The whole number from `min` to `max` that a text stands for; undefined if the text stands for none. */
export function parseWholeNumber(text: string, min = 0, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const value = form.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

/** A schema of the same, for a text. */
export const wholeNumber = (min: number, max: number) => {
  const problem = `must be a whole number from ${min} to ${max}`;
  return z.string(problem).regex(form, problem).transform(Number).pipe(z.int(problem).min(min, problem).max(max, problem));
};
