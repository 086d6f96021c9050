import { z } from 'zod';

/** Digits only: no sign, no exponent, no other base. A number holds fifteen digits exactly. */
const form = /^\d{1,15}$/;

/** The whole number from `min` to `max` in a text; `undefined` if the text holds none. */
export function parseWholeNumber(text: string, min = 0, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const value = form.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

/** A schema that parses a text as {@link parseWholeNumber} does. */
export const wholeNumber = (min: number, max: number) => {
  const problem = `must be a whole number from ${min} to ${max}`;
  return z.string(problem).regex(form, problem).transform(Number).pipe(z.int(problem).min(min, problem).max(max, problem));
};
