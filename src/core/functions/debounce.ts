import { z } from 'zod';
import { parseDuration } from '#src/core/text/parse-duration.ts';

const WAIT_IN_MS = { min: 100, max: 3_600_000 };
const MAX_WAIT_IN_MS = 86_400_000;
/** Without a `maxWait`, a group is open for so many times its `wait`. */
const MAX_WAITS = 10;

const isWithin = (text: string, { min, max }: { min: number; max: number }): boolean => {
  const ms = parseDuration(text) ?? 0;
  return ms >= min && ms <= max;
};

/** Requests of one key that follow each other closely run once. */
export const debounceSchema = z
  .strictObject(
    {
      wait: z
        .string()
        .refine((text) => isWithin(text, WAIT_IN_MS), 'must be a duration from 100ms to 1h, such as 5s')
        .describe('the group of a key closes when no request of the key came for this time: 5s'),
      maxWait: z
        .string()
        .refine((text) => isWithin(text, { min: WAIT_IN_MS.min, max: MAX_WAIT_IN_MS }), 'must be a duration from 100ms to 1d, such as 1m')
        .optional()
        .describe('the group closes this time after its first request at the latest; by default ten times the wait'),
      keep: z.enum(['last', 'all']).describe('last: the newest request runs alone; all: one attempt gets the array of all events'),
    },
    { error: ({ code }) => (code === 'invalid_type' ? 'must have a wait, such as 5s, and keep "last" or "all"' : undefined) },
  )
  .refine(({ wait, maxWait }) => maxWait === undefined || (parseDuration(maxWait) ?? 0) >= (parseDuration(wait) ?? 0), {
    path: ['maxWait'],
    message: 'must not be shorter than the wait',
  });

export type DebounceInput = z.infer<typeof debounceSchema>;

/** A debounce in numbers. */
export type Debounce = { keep: DebounceInput['keep']; waitInMs: number; maxWaitInMs: number };

export function debounceOf({ wait, maxWait, keep }: DebounceInput): Debounce {
  const waitInMs = parseDuration(wait) ?? WAIT_IN_MS.min;
  return { keep, waitInMs, maxWaitInMs: (maxWait === undefined ? undefined : parseDuration(maxWait)) ?? waitInMs * MAX_WAITS };
}
