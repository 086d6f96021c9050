import { z } from 'zod';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import { count, moment } from '../common-schemas.ts';

export const statusLogQuerySchema = z.strictObject({
  function: z.string().min(1).max(256).describe('the function of the invocations'),
  request_id: z.string().min(1).max(64).optional().describe('restricts the rows to one invocation'),
  limit: wholeNumber(1, 100).default(20).describe('the largest number of invocations'),
  cursor: z.string().max(512).optional(),
});

/** A row: one invocation reached one status. */
const rowSchema = z.object({
  function_urn: z.string(),
  request_id: z.string(),
  seq_status: count.describe('1 WAIT, 2 RUNNING, 3 SUCCESS, 4 FAIL, 5 DISCARD'),
  operation_timestamp: moment,
  error_code: count,
  error_message: z.string(),
});
export type StatusLogRow = z.infer<typeof rowSchema>;

export const statusLogSchema = z.object({ rows: z.array(rowSchema), next_cursor: z.string().optional() });
