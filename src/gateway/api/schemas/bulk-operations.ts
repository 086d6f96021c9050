import { z } from 'zod';
import { count, moment } from './common.ts';
import { bulkTargetShape, hasOneTarget, oneTarget } from './repair.ts';

/** A purge erases whole messages, so it selects by the function and the time of acceptance alone. */
const PURGE_FIELDS = ['function', 'to'];
type Target = { action: string; filter?: object | undefined };
const isPurgeable = ({ action, filter = {} }: Target): boolean =>
  action !== 'purge' || (PURGE_FIELDS.every((field) => field in filter) && Object.keys(filter).length === PURGE_FIELDS.length);

export const bulkStartBodySchema = z
  .strictObject({
    action: z
      .enum(['redrive', 'cancel', 'purge'])
      .describe('purge: erase finished invocations everywhere, which nothing can undo; a janitor does it'),
    ...bulkTargetShape,
    reason: z.string().max(512).optional().describe('why; the log keeps the reason of a purge'),
  })
  .refine(hasOneTarget, oneTarget)
  .refine(isPurgeable, { message: 'of a purge must have function and to, and nothing else', path: ['filter'] });

const failureSchema = z.object({ request_id: z.string(), function: z.string(), code: z.string(), detail: z.string() });

export const bulkOperationSchema = z.object({
  id: z.string(),
  action: z.enum(['redrive', 'cancel', 'redeliver', 'dismiss', 'purge']),
  state: z
    .enum(['running', 'done', 'aborted', 'failed', 'interrupted'])
    .describe('interrupted: its process ended; a gateway continues an operation of the HTTP API within a minute'),
  step: z.enum(['searching', 'waiting for the read models', 'erasing']).optional().describe('what a running purge does now'),
  by: z.string().describe('who started it'),
  runner: z.enum(['gateway', 'cli', 'janitor']).describe('the kind of process that runs it'),
  filter: z.record(z.string(), z.unknown()).optional(),
  selected: count.optional().describe('the number of invocations that were named, instead of a filter'),
  reason: z.string().optional(),
  batch: z.string().optional().describe('of a redrive: the batch of the new invocations'),
  total: count.optional().describe('the invocations that matched at the start'),
  is_total_at_least: z.boolean().optional(),
  done: count,
  failed: count.describe('invocations that the action could not change'),
  left_out: count.describe('invocations that needed no action, such as those that were redriven before'),
  failures: z.array(failureSchema).describe('the first 100 failures'),
  started_at: moment,
  updated_at: moment,
  ended_at: moment.optional(),
  abort_requested_by: z.string().optional(),
  problem: z.string().optional().describe('why the operation failed as a whole'),
});
export type BulkOperationView = z.infer<typeof bulkOperationSchema>;
export const bulkOperationsSchema = z.object({ operations: z.array(bulkOperationSchema).describe('the newest first') });
