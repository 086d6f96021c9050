import { z } from 'zod';
import { prioritySchema } from '#machines/facts.ts';

/** The part of a filter of invocations that concerns what they wait for. */
export const waitsShape = {
  waitsPool: z.array(z.string().max(256)).min(1).max(16).optional().describe('the next attempt waits for a slot of one of these pools'),
  waitsKey: z.string().max(256).optional().describe('the next attempt waits for a slot of this key'),
  minPriority: prioritySchema.optional().describe('at least this urgent; a request without a priority has 4'),
  rankBelow: z
    .strictObject({ rank: z.number(), agingInMs: z.int().min(0) })
    .optional()
    .describe('with a lower rank: when it was due first, less its priority times the aging'),
};
