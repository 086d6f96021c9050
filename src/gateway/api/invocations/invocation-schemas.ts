import { z } from 'zod';
import { conditions, factSchema, failureSchema, termsSchema } from '#machines/facts.ts';
import { waitKinds } from '#src/core/flow/wait-kind.ts';
import { MAX_PRIORITY } from '#src/core/functions/priority.ts';
import { listOrders, states, statuses } from '#src/core/history-questions.ts';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import { asOf, count, flag, manyOf, moment, time } from '../common-schemas.ts';
import { noteSchema } from '../repair/repair-schemas.ts';
import { waitSchema } from '../system/system-schemas.ts';

const conditionNames = Object.keys(conditions) as [keyof typeof conditions, ...(keyof typeof conditions)[]];
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "-" or "_"');

/** The filter of invocations, equal to the options of `sequent ls`. An invocation must match every given field. */
export const filterShape = {
  function: z.string().max(256).optional(),
  qualifier: z.string().max(256).optional().describe('as the request names it: a version, or "!" and an alias'),
  version: z.string().max(256).optional().describe('the version that ran, also behind an alias'),
  state: manyOf(states).describe('one state, or several between commas'),
  status: manyOf(statuses).describe("FunctionGraph's statuses"),
  condition: manyOf(conditionNames),
  from: time.optional().describe('accepted at or after this moment'),
  to: time.optional().describe('accepted before this moment'),
  due_before: time.optional().describe('waits for an attempt that is due before this moment'),
  root: id.optional().describe('the first request of the chain'),
  parent: id.optional(),
  redrive_of: id.optional(),
  batch: id.optional().describe('members of this batch'),
  schedule: z.string().max(256).optional().describe('requested by the schedule of this name'),
  waits_for: z
    .string()
    .max(128)
    .optional()
    .describe('waits for the flow of this function, or of this pool of functions: for a slot, its rate or its debounced group'),
  flow_key: z.string().max(256).optional().describe('waits with this key of a flow'),
  wait_kind: manyOf(waitKinds).describe('waits for a slot of a flow, for its rate, or for its debounced group; several between commas'),
  priority: wholeNumber(0, MAX_PRIORITY).optional().describe('of this priority, which is 4 for a request without one'),
  min_attempts: wholeNumber(0, 1_000_000).optional(),
  max_attempts: wholeNumber(0, 1_000_000).optional(),
  min_duration_ms: wholeNumber(0, 1e15).optional().describe('from acceptance, or from the due time of a delayed request, to outcome'),
  max_duration_ms: wholeNumber(0, 1e15).optional(),
  text: z.string().min(1).max(256).optional().describe('words that all occur in the payload, or all in the error'),
};

const pageShape = { limit: wholeNumber(1, 500).default(50), cursor: z.string().max(512).optional() };
const listShape = {
  sort: z
    .enum(listOrders, `must be one of ${listOrders.join(', ')}`)
    .optional()
    .describe('the newest first by default'),
  include: z.literal('payload').optional().describe('adds the start of each payload'),
};
export const listQuerySchema = z.strictObject({ ...filterShape, at: asOf.optional(), ...listShape, ...pageShape });
const { state: _, ...countsShape } = filterShape;
export const countsQuerySchema = z.strictObject({ ...countsShape, at: asOf.optional() });

const summarySchema = z.object({
  request_id: z.string(),
  function: z.string(),
  qualifier: z.string(),
  version: z.string().optional().describe('the version that runs; absent before the first attempt'),
  state: z.enum(states),
  status: z.enum(statuses),
  condition: z.string().optional().describe('the category of the failure'),
  attempts: count,
  accepted_at: moment,
  started_at: moment.optional(),
  ended_at: moment.optional(),
  notified_at: moment.optional(),
  duration_ms: z.number().optional().describe('from acceptance, or from the due time of a delayed request, to outcome'),
  first_due_at: moment.optional().describe('when the first attempt of a delayed request was due'),
  next_due_at: moment.optional().describe('when the next attempt is due: of a delayed request, and of a retry'),
  waits_for: z
    .object({
      pool: z.string(),
      key: z.string(),
      since: moment,
      kind: z.enum(waitKinds).optional().describe('an earlier projection leaves it out'),
    })
    .optional()
    .describe('the slot, the rate or the debounced group for which the next attempt waits: of a function or of a pool of functions'),
  root: z.string().optional(),
  parent: z.string().optional(),
  hop: z.int().optional(),
  redrive_of: z.string().optional(),
  batch: z.string().optional().describe('the batch that it is a member of'),
  priority: z.number().optional().describe('the priority that the caller chose: 0 to 9, which is the most urgent'),
  schedule: z.string().optional().describe('the schedule that requested it'),
  error: z.string().optional().describe('the start of the message of the last failure'),
  payload: z.string().optional().describe('with ?include=payload: the start of the payload; absent when it is sealed and too long'),
});
export type InvocationRow = z.infer<typeof summarySchema>;

export const listSchema = z.object({ invocations: z.array(summarySchema), next_cursor: z.string().optional() });
export const countsSchema = z.object({
  by_state: z.partialRecord(z.enum(states), count),
  by_status: z.partialRecord(z.enum(statuses), count),
  most: count.describe('the count at which counting stops'),
  is_at_least: z.boolean().describe('whether a count stopped at `most`'),
});

const deliverySchema = z.object({
  destination_id: z.string(),
  destination: z.string(),
  param: z.string(),
  state: z.enum(['pending', 'delivering', 'backingOff', 'delivered', 'dead', 'dismissed']),
  tries: count,
  due_at: moment.optional(),
  reason: z.string().optional(),
  note: z.string().optional().describe('why a person dismissed the dead delivery'),
  postponed: z.string().optional().describe('why the next try waits although it was due, such as an open circuit'),
});
export type DeliveryView = z.infer<typeof deliverySchema>;

const notSentSchema = z.object({
  destination_id: z.string(),
  destination: z.string(),
  param: z.string(),
  when: z.string().describe('the condition of the destination, in words'),
  undecidable: z.string().optional().describe('why the condition could not be decided'),
});
export type NotSentView = z.infer<typeof notSentSchema>;

const largeSchema = z
  .object({ bytes: count, digest: z.string().describe('SHA-256 of the stored object, in base64url') })
  .describe('the content is stored beside the log; …/payload and …/result download it');
export type LargeView = z.infer<typeof largeSchema>;

/** One invocation, with all recorded details. */
export const invocationSchema = summarySchema.extend({
  leader: z.string().optional().describe('the request of its debounced group that runs in its place'),
  members: count.optional().describe('of a leader: how many other requests its debounced group has, for which it runs'),
  retries: count,
  lost: count.describe('attempts whose worker died'),
  worker: z.string().optional().describe('the worker that executes the current attempt'),
  request: z.object({
    payload: z.string().describe('of a large one, the reference'),
    bytes: count,
    large: largeSchema.optional(),
    content_type: z.literal('application/json'),
    traceparent: z.string().optional(),
  }),
  result: z
    .object({
      condition: z.string().describe('empty for a success'),
      payload: z.string().describe('the value that the function returned, or the error, as JSON text'),
      status_code: z.int(),
      error: z.string(),
      large: largeSchema.optional(),
    })
    .optional(),
  dropped_bytes: count.optional().describe('the size of a returned value that was too large and was replaced by an empty value'),
  failure: failureSchema.optional().describe('the last failure, with its stack'),
  outputs: z.array(z.object({ attempt: z.int(), output: z.string() })).describe('the end of the output of each attempt, at most 4 KB'),
  terms: termsSchema.optional().describe('the policy and version of the invocation, fixed at its first attempt'),
  deliveries: z.array(deliverySchema),
  not_sent: z.array(notSentSchema).optional().describe('the destinations whose condition does not hold'),
  redriven_as: z.array(z.string()),
  last_sequence: count,
});
export type InvocationView = z.infer<typeof invocationSchema>;

/** One transition of an invocation, with the state of its machine after it. */
const eventSchema = z.object({
  sequence: count.describe('the sequence in the log'),
  by: z.string().describe('the process that appended the fact'),
  at: moment,
  type: z.string(),
  attempt: z.int().optional(),
  why: z.string().optional(),
  state_after: z.enum(states),
  status_after: z.enum(statuses),
  deliveries_after: z.record(z.string(), deliverySchema.shape.state),
  is_refused: z.literal(true).optional().describe('the machine refused the fact, so the state did not change'),
  fact: factSchema,
});
export type EventView = z.infer<typeof eventSchema>;
const ownerShape = {
  function: z.string().max(256).optional().describe('the function, when several functions have an invocation of this id'),
};
export const ownerQuerySchema = z.strictObject(ownerShape);
export const invocationQuerySchema = z.strictObject({
  ...ownerShape,
  at: asOf.optional(),
  include: z.literal('events').optional().describe('adds the events, as of the same moment'),
});
export const invocationReplySchema = invocationSchema.extend({
  events: z.array(eventSchema).optional().describe('with ?include=events'),
});
export const eventsSchema = z.object({ request_id: z.string(), function: z.string(), events: z.array(eventSchema) });

export const explanationSchema = z.object({
  sentences: z.array(z.object({ at: moment, sequence: count.optional(), text: z.string(), rule: z.string().optional() })),
  wait: waitSchema.optional().describe('why the invocation waits now; absent while an attempt runs, and once it is settled'),
});
export type ExplanationView = z.infer<typeof explanationSchema>;
export const treeSchema = z.object({ root: z.string(), nodes: z.array(summarySchema), is_cut: z.boolean() });

export const acceptedSchema = z.object({ request_id: z.string() });
export const batchAcceptedSchema = z.object({ invocations: z.array(acceptedSchema) });
const requestShape = {
  flow_key: z.string().max(256).optional().describe("the key among those of the function's flow, in place of the header Flow-Key"),
  priority: z
    .string()
    .max(1)
    .optional()
    .describe('how urgent the request is, from 0 (least) to 9 (most), while requests wait for a slot; in place of the header Priority'),
  qualifier: z.string().max(256).optional().describe('a version, or "!" and an alias'),
  deliver_at: z.string().max(64).optional().describe('the first attempt starts at this time at the earliest: ISO 8601 with its zone'),
  delay: z.string().max(64).optional().describe('the first attempt starts after this time at the earliest: 90s, 10m, 2h, 30d'),
};
export const invokeQuerySchema = z.strictObject({
  batch: flag.describe('the body is an array; each element is an event'),
  ...requestShape,
});
export const batchQuerySchema = z.strictObject({
  key: z.string().max(64).optional().describe('in place of the header Idempotency-Key: line 7 gets the key <key>-7'),
  ids: flag.describe('the reply lists the request id of each accepted line'),
  on_complete: z
    .string()
    .max(16_384)
    .optional()
    .describe('a JSON array of destinations, as in a policy, which are told once when all members are over'),
  ...requestShape,
});

export const redriveBodySchema = z.strictObject({ payload: z.string().optional().describe('JSON text that replaces the event') });
export const cancelBodySchema = z.strictObject({
  recursive: z.boolean().default(false).describe('also cancels the invocations that its outcome started'),
  reason: z.string().max(512).optional(),
});
export const canceledSchema = z.object({ canceled: z.array(z.string()) });
export const noteBodySchema = z.strictObject({ note: noteSchema });
export const settledDeliveriesSchema = z.object({ request_id: z.string(), destinations: z.array(z.string()) });
export const redeliveredSchema = z.object({ request_id: z.string(), destinations: z.array(z.string()) });
