import { z } from 'zod';
import { batchStates } from '#src/core/batch-questions.ts';
import { states, statuses } from '#src/core/history-questions.ts';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import { count, moment } from '../common-schemas.ts';

export const batchesQuerySchema = z.strictObject({
  function: z.string().max(256).optional(),
  limit: wholeNumber(1, 100).default(20),
  cursor: z.string().max(330).optional(),
});
export const batchOwnerQuerySchema = z.strictObject({
  function: z.string().max(256).optional().describe('the function, when several functions have a batch with this id'),
});

export const batchSchema = z.object({
  id: z.string(),
  function: z.string(),
  state: z.enum(batchStates),
  request_id: z
    .string()
    .optional()
    .describe('the id by which /api/invocations/{id} shows the batch itself, with its deliveries; absent for an unopened batch'),
  opened_at: moment.optional(),
  completed_at: moment.optional(),
  members: count.describe('the invocations of the batch; a repeated line counts once'),
  by_status: z.partialRecord(z.enum(statuses), count),
  by_state: z.partialRecord(z.enum(states), count),
  first_accepted_at: moment.optional(),
  last_accepted_at: moment.optional(),
  sequence: count.describe('the counts are those after this message of the log'),
});
export type BatchView = z.infer<typeof batchSchema>;
export const batchesSchema = z.object({ batches: z.array(batchSchema), next_cursor: z.string().optional() });

export const batchCancelBodySchema = z.strictObject({ reason: z.string().max(512).optional() });
export const batchRedriveBodySchema = z.strictObject({});
export const batchSealBodySchema = z.strictObject({});
export const batchSealedSchema = z.object({ sealed: z.boolean().describe('false: it was sealed before') });
