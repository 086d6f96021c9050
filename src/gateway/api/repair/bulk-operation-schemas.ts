import { z } from 'zod';
import { count, moment } from '../common-schemas.ts';
import { bulkTargetShape, hasOneTarget, oneTarget } from './repair-schemas.ts';

/** A purge erases whole messages, so it selects by the function and the time of acceptance alone. */
const PURGE_FIELDS = ['function', 'to'];
type Target = { action: string; filter?: object | undefined };
const isPurgeable = ({ action, filter = {} }: Target): boolean =>
  action !== 'purge' || (PURGE_FIELDS.every((field) => field in filter) && Object.keys(filter).length === PURGE_FIELDS.length);
const isCountable = ({ action, dry_run }: { action: string; dry_run: boolean }): boolean => action === 'purge' || !dry_run;

export const bulkStartBodySchema = z
  .strictObject({
    action: z
      .enum(['redrive', 'cancel', 'purge'])
      .describe('purge: erase finished invocations everywhere, which nothing can undo; a janitor does it'),
    ...bulkTargetShape,
    dry_run: z.boolean().default(false).describe('of a purge: only count what it would erase, as the total of the operation'),
    reason: z.string().max(512).optional().describe('why; the log keeps the reason of a purge'),
  })
  .refine(hasOneTarget, oneTarget)
  .refine(isPurgeable, { message: 'of a purge must have function and to, and nothing else', path: ['filter'] })
  .refine(isCountable, { message: 'counts only a purge; POST /api/redrive and POST /api/cancel count theirs', path: ['dry_run'] });

const failureSchema = z.object({ request_id: z.string(), function: z.string(), code: z.string(), detail: z.string() });

export const bulkOperationSchema = z.object({
  id: z.string(),
  action: z.enum(['redrive', 'cancel', 'redeliver', 'dismiss', 'purge']),
  dry_run: z.literal(true).optional().describe('a purge that only counts; the list of operations leaves it out'),
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
  total: count.optional().describe('the invocations that matched at the start; of a purge: once the janitor has searched'),
  is_total_at_least: z.boolean().optional(),
  messages: count.optional().describe('of a purge: the messages of these invocations'),
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
