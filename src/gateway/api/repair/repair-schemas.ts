import { z } from 'zod';
import { conditions, prioritySchema } from '#machines/facts.ts';
import { waitKinds } from '#src/core/flow/wait-kind.ts';
import { states, statuses } from '#src/core/history-questions.ts';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import { count, moment, several } from '../common-schemas.ts';

const conditionNames = Object.keys(conditions) as [keyof typeof conditions, ...(keyof typeof conditions)[]];
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const few = <Schema extends z.ZodType>(schema: Schema) => z.array(schema).min(1).max(16).optional();

/** The filter of `GET /api/invocations`, as JSON. */
const filterBodySchema = z.strictObject({
  function: z.string().max(256).optional(),
  qualifier: z.string().max(256).optional(),
  version: z.string().max(256).optional(),
  state: few(z.enum(states)),
  status: few(z.enum(statuses)),
  condition: few(z.enum(conditionNames)),
  from: moment.optional(),
  to: moment.optional(),
  root: id.optional(),
  parent: id.optional(),
  redrive_of: id.optional(),
  batch: id.optional(),
  schedule: z.string().max(256).optional(),
  waits_for: z.string().max(128).optional(),
  flow_key: z.string().max(256).optional(),
  wait_kind: few(z.enum(waitKinds)),
  priority: prioritySchema.optional(),
  min_attempts: count.optional(),
  min_duration_ms: count.optional(),
  text: z.string().min(1).max(256).optional(),
});

/** Why a person settles a delivery. */
export const noteSchema = z.string().trim().min(1, 'must not be empty').max(512).describe('why; the log keeps the note');

const bulkShape = {
  dry_run: z.boolean().default(false).describe('only counts the matches'),
  limit: z.int().min(1).max(1_000).default(500).describe('the largest number of items that one request handles; next_cursor continues'),
  cursor: z.string().max(512).optional(),
};
const someFilter = filterBodySchema.refine(
  (filter) => Object.keys(filter).length > 0,
  'must contain at least one field: function, condition, from, …',
);
export const bulkTargetShape = {
  filter: someFilter.optional(),
  invocations: z
    .array(z.strictObject({ request_id: id, function: z.string().max(256) }))
    .min(1)
    .max(500)
    .optional()
    .describe('exactly these invocations, instead of a filter'),
};
export const hasOneTarget = ({ filter, invocations }: { filter?: unknown; invocations?: unknown }): boolean =>
  (filter === undefined) !== (invocations === undefined);
export const oneTarget = { message: 'either filter or invocations must be given', path: ['filter'] };
export const bulkRedriveBodySchema = z.strictObject({ ...bulkTargetShape, ...bulkShape }).refine(hasOneTarget, oneTarget);
export const bulkCancelBodySchema = z
  .strictObject({ ...bulkTargetShape, ...bulkShape, reason: z.string().max(512).optional() })
  .refine(hasOneTarget, oneTarget);

/** The result of each action. A failed action changed nothing. */
export const bulkSchema = z.object({
  matched: count.describe('the matches among the handled items; a redriven invocation does not match again'),
  done: z.array(z.object({ request_id: z.string(), redriven_as: z.string().optional(), destination_id: z.string().optional() })),
  failed: z.array(z.object({ request_id: z.string(), destination_id: z.string().optional(), code: z.string(), detail: z.string() })),
  skipped: z
    .array(z.object({ why: z.string(), count }))
    .optional()
    .describe('in a dry run: how many invocations the filter covers and the action does not, and why'),
  next_cursor: z.string().optional().describe('the cursor of the next request; absent after the last item'),
});
export type BulkView = z.infer<typeof bulkSchema>;

const deadLetterFilterShape = {
  function: z.string().max(256).optional(),
  destination: z.string().max(256).optional().describe('the id of a destination, such as http-0, or its kind, such as http'),
  target: z.string().max(4_096).optional().describe('exactly this param of a destination, as the list shows it'),
  reason: z.string().max(512).optional().describe('a part of the reason'),
};
export type DeadLetterFilter = { [Name in keyof typeof deadLetterFilterShape]?: string | undefined };

export const deadLetterQuerySchema = z.strictObject({
  ...deadLetterFilterShape,
  limit: wholeNumber(1, 500).default(100),
  cursor: z.string().max(512).optional(),
});
const deadLetterSchema = z.object({
  request_id: z.string(),
  function: z.string(),
  destination_id: z.string(),
  destination: z.string(),
  param: z.string(),
  tries: count,
  reason: z.string().optional(),
});
export type DeadLetterView = z.infer<typeof deadLetterSchema>;
export const deadLettersSchema = z.object({ dead_letters: z.array(deadLetterSchema), next_cursor: z.string().optional() });

const groupKeys = ['function', 'destination', 'reason'] as const;
export const deadLetterGroupsQuerySchema = z.strictObject({
  ...deadLetterFilterShape,
  by: several
    .pipe(z.array(z.enum(groupKeys)).min(1))
    .default([...groupKeys])
    .describe('what the letters of a group have in common, several between commas: function, destination, reason'),
});
export const deadLetterGroupsSchema = z.object({
  groups: z
    .array(
      z.object({
        function: z.string().optional(),
        destination: z.string().optional().describe('the kind of the destination'),
        param: z.string().optional(),
        reason: z.string().optional(),
        count,
        newest: z.object({ request_id: z.string(), function: z.string() }),
      }),
    )
    .describe('the largest first; a group has the fields that its letters have in common'),
  counted: count.describe('the letters in these groups'),
  is_at_least: z.boolean().describe('whether older letters were not counted'),
});
export type DeadLetterGroups = z.infer<typeof deadLetterGroupsSchema>;

const deadLetterBodySchema = z.strictObject({
  filter: z.strictObject(deadLetterFilterShape).default({}),
  ...bulkShape,
});
export const deadLetterRedriveBodySchema = deadLetterBodySchema.extend({
  rate: z.number().positive().max(10_000).optional().describe('the largest number of deliveries per second'),
});
export type DeadLetterBody = z.output<typeof deadLetterRedriveBodySchema>;
export const deadLetterDismissBodySchema = deadLetterBodySchema.extend({ note: noteSchema });

export const transitionsQuerySchema = z.strictObject({
  function: z.string().max(256).optional(),
  state: z.string().max(512).optional().describe('types of facts, several between commas: running, retrying, failed, delivery.dead, …'),
  condition: z.string().max(512).optional(),
  from: z.string().max(64).optional().describe('now (by default), a sequence of the log, or a moment such as 2026-01-31T12:00:00Z'),
});
