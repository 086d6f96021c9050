import { z } from 'zod';
import { prioritySchema } from '#machines/facts.ts';
import { waitKinds } from './flow/wait-kind.ts';

/** The part of a filter of invocations that concerns what they wait for. */
export const waitsShape = {
  waitsPool: z.array(z.string().max(256)).min(1).max(16).optional().describe('the next attempt waits for the flow of one of these pools'),
  waitsKey: z.string().max(256).optional().describe('the next attempt waits with this key'),
  waitsKind: z
    .array(z.enum(waitKinds))
    .min(1)
    .max(16)
    .optional()
    .describe('the next attempt waits for a slot, for its rate, or for its debounced group'),
  priority: prioritySchema.optional().describe('of this priority; a request without a priority has 4'),
  minPriority: prioritySchema.optional().describe('at least this urgent; a request without a priority has 4'),
  rankBelow: z
    .strictObject({ rank: z.number(), agingInMs: z.int().min(0) })
    .optional()
    .describe('with a lower rank: when it was due first, less its priority times the aging'),
  before: z
    .strictObject({ id: z.string().max(64), function: z.string().max(256) })
    .optional()
    .describe('accepted before this invocation, in the order of the log; with rankBelow, this decides between equal ranks only'),
};

/** The part of a summary of an invocation that concerns what it waits for. */
export const recordedWaitShape = {
  waitsPool: z.string().nullish().describe('the pool for the flow of which the next attempt waits; an earlier projection leaves it out'),
  waitsKey: z.string().nullish().describe('the key with which it waits'),
  waitsSince: z.number().nullish(),
  waitsKind: z.enum(waitKinds).nullish().describe('for what it waits; an earlier projection leaves it out'),
  priority: z.number().nullish().describe('from 0 to 9, the most urgent; null when the caller chose none'),
};

const waitingShape = { pool: z.string(), waiting: z.int().min(0), since: z.number().describe('since when the first of them waits') };
/** How many invocations wait, and for how long. */
export const waitsSchema = z.object({
  functions: z.array(z.object({ ...waitingShape, function: z.string() })),
  keys: z.array(z.object({ ...waitingShape, key: z.string() })).describe('of each pool, the keys with the most waits first'),
  isCut: z.boolean().describe('whether a pool has further keys'),
});
