import { z } from 'zod';

/** The question about batches, which the history service answers from a read model. */

const moment = z.number().describe('milliseconds since the epoch');
const count = z.number().int().min(0);

/** The states of a batch. */
export const batchStates = ['unopened', 'open', 'sealed', 'completed', 'notified'] as const;

export const batchesQuerySchema = z
  .object({
    id: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "-" or "_"')
      .optional()
      .describe('only this batch'),
    function: z.string().max(256).optional(),
    project: z
      .string()
      .regex(/^[A-Za-z0-9_-]{0,64}$/, 'must have at most 64 letters, digits, "-" or "_"')
      .optional(),
    limit: z.number().int().min(1).max(100).default(20),
    cursor: z.string().max(330).optional(),
  })
  .strict();
const batchSchema = z.object({
  id: z.string(),
  function: z.string(),
  state: z
    .enum(batchStates)
    .describe('unopened: its members name a batch that nobody opened; completed: all members are over; notified: so are the deliveries'),
  openedAs: z.string().nullable().describe('the id by which get, timeline and explain show the batch itself; null for an unopened batch'),
  openedAt: moment.nullable(),
  completedAt: moment.nullable(),
  members: count.describe('the invocations of the batch'),
  byStatus: z.record(z.string(), count),
  byState: z.record(z.string(), count),
  firstAt: moment.nullable().describe('when the first of these members was accepted'),
  lastAt: moment.nullable().describe('when the last of these members was accepted'),
});
export type BatchSummary = z.infer<typeof batchSchema>;
export const batchesSchema = z.object({
  batches: z.array(batchSchema),
  cursor: z.string().nullable(),
  sequence: count.describe('the counts are those after this message of the log'),
});
