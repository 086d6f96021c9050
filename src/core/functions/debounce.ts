import { z } from 'zod';
import { durationSchema } from '#src/core/text/duration-schema.ts';
import { parseDuration } from '#src/core/text/parse-duration.ts';

const SHORTEST = '100ms';
/** Without a `maxWait`, a group is open for so many times its `wait`. */
const MAX_WAITS = 10;

/** Requests of one key that follow each other closely run once. */
export const debounceSchema = z
  .strictObject(
    {
      wait: durationSchema({ from: SHORTEST, to: '1h', examples: '5s' }).describe(
        'the group of a key closes when no request of the key came for this time: 5s',
      ),
      maxWait: durationSchema({ from: SHORTEST, to: '1d', examples: '1m' })
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
  const waitInMs = parseDuration(wait) ?? 0;
  return { keep, waitInMs, maxWaitInMs: (maxWait === undefined ? undefined : parseDuration(maxWait)) ?? waitInMs * MAX_WAITS };
}
