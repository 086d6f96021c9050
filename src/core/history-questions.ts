import { z } from 'zod';
import { conditions, factSchema } from '#machines/facts.ts';
import { batchesQuerySchema, batchesSchema } from './batch-questions.ts';
import { figuresQuerySchema, figuresSchema, usageQuerySchema, usageSchema } from './quotas/log-figures.ts';
import { sqlAnswerSchema, sqlQuerySchema } from './sql-questions.ts';
import { recordedWaitShape, waitsSchema, waitsShape } from './waits-questions.ts';

/**
 * The questions that the history service answers from a read model. The schemas are public: the service publishes them as JSON Schemas.
 */

export const states = ['queued', 'running', 'retrying', 'succeeded', 'failed', 'notified'] as const;
export const statuses = ['WAIT', 'RUNNING', 'SUCCESS', 'FAIL', 'DISCARD'] as const;
const conditionNames = Object.keys(conditions) as (keyof typeof conditions)[];
const moment = z.number().describe('milliseconds since the epoch');
const count = z.number().int().min(0);
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "-" or "_"');
const few = <Schema extends z.ZodType>(schema: Schema) => z.array(schema).min(1).max(16);

/** A filter of invocations. All given conditions must hold. */
const filterSchema = z
  .object({
    id: id.optional(),
    function: z.string().max(256).optional(),
    project: z
      .string()
      .regex(/^[A-Za-z0-9_-]{0,64}$/, 'must have at most 64 letters, digits, "-" or "_"')
      .optional()
      .describe('of the functions of this project; empty for the own project, whose functions have bare names'),
    qualifier: z.string().max(256).optional(),
    version: z.string().max(256).optional().describe('the version that ran; an alias resolves to one when the first attempt starts'),
    state: few(z.enum(states)).optional(),
    status: few(z.enum(statuses)).optional(),
    condition: few(z.enum(conditionNames)).optional(),
    since: moment.optional().describe('accepted at or after this moment, in milliseconds since the epoch'),
    until: moment.optional().describe('accepted before this moment, in milliseconds since the epoch'),
    dueBefore: moment.optional().describe('waits for an attempt that is due before this moment, in milliseconds since the epoch'),
    root: id.optional().describe('of the chain that began with this request'),
    parent: id.optional(),
    redriveOf: id.optional(),
    batch: id.optional().describe('members of this batch'),
    schedule: z.string().max(256).optional().describe('requested by the schedule of this name'),
    ...waitsShape,
    minAttempts: count.optional(),
    maxAttempts: count.optional(),
    minDurationInMs: count.optional().describe('from acceptance, or from the due time of a delayed request, to outcome'),
    maxDurationInMs: count.optional(),
    text: z
      .string()
      .max(256)
      .refine((text) => wordsIn(text).length > 0, 'must hold a letter or a digit')
      .optional()
      .describe('all of these words occur in the payload, or all in the error; the last may be the beginning of a word, followed by *'),
  })
  .strict();
export type HistoryFilter = z.infer<typeof filterSchema>;
export type Status = (typeof statuses)[number];

const momentSchema = z
  .union([z.object({ sequence: count }).strict(), z.object({ at: moment }).strict()])
  .describe('the state after this message of the log, or at this time of the log; the present state when it is left out');
/** The earlier moment that a query is about. */
export type Moment = z.infer<typeof momentSchema>;

/** The orders of a list. */
export const listOrders = ['newest', 'oldest', 'longest', 'shortest', 'most-attempts', 'fewest-attempts'] as const;
export type ListOrder = (typeof listOrders)[number];

const listQuerySchema = filterSchema
  .extend({
    limit: z.number().int().min(1).max(500).default(50),
    cursor: z
      .string()
      .regex(/^(?:(?:\d{1,16}|-)\.)?\d{1,16}$/, 'must be the cursor of an earlier page')
      .optional(),
    order: z
      .enum(listOrders)
      .optional()
      .describe('the newest first by default; an invocation without an outcome has no duration, and is last'),
    payloads: z.boolean().optional().describe('also the start of each payload'),
    moment: momentSchema.optional(),
  })
  .strict();

const countQuerySchema = filterSchema
  .extend({
    moment: momentSchema.optional(),
    most: z.number().int().min(1).max(1_000_000).default(10_000).describe('the number at which counting ends'),
  })
  .strict();
const countSchema = z.object({ count, isAtLeast: z.boolean() });

const optional = <Schema extends z.ZodType>(schema: Schema) => schema.nullable();
const summarySchema = z.object({
  id: z.string(),
  function: z.string(),
  qualifier: z.string(),
  version: z.string().nullish().describe('the version that runs; null before the first attempt'),
  state: z.enum(states),
  status: z.enum(statuses),
  condition: optional(z.string()),
  acceptedAt: moment,
  startedAt: optional(moment),
  endedAt: optional(moment),
  notifiedAt: optional(moment),
  firstDueAt: moment.nullish().describe('when the first attempt of a delayed request was due; an earlier projection leaves it out'),
  dueAt: moment.nullish().describe('when the next attempt is due, of a delayed request or a retry; an earlier projection leaves it out'),
  ...recordedWaitShape,
  durationInMs: optional(z.number()),
  attempts: z.number(),
  retries: z.number(),
  lost: z.number(),
  root: optional(z.string()),
  parent: optional(z.string()),
  hop: optional(z.number()),
  redriveOf: optional(z.string()),
  batch: z.string().nullish().describe('the batch that it is a member of; an earlier projection leaves it out'),
  schedule: z.string().nullish().describe('the schedule that requested it; an earlier projection leaves it out'),
  error: optional(z.string()).describe('the type and the message of the latest failure; null for a success'),
  errorType: z.string().nullish().describe('the type at the start of `error`; a projection of version 0.1 leaves it out'),
  errorCode: optional(z.number()).describe("FunctionGraph's code of the latest failure; null for a success"),
  lastSequence: z.number(),
  payload: z.string().nullish().describe('with `payloads`: the start of the payload; null for a sealed payload that is too long'),
});
export type InvocationSummary = z.infer<typeof summarySchema>;

const deadLetterSchema = z.object({
  id: z.string(),
  function: z.string(),
  destination: z.string(),
  kind: z.string(),
  param: z.string(),
  state: z.string(),
  tries: z.number(),
  dueAt: optional(moment),
  reason: optional(z.string()),
});
export type DeliverySummary = z.infer<typeof deadLetterSchema>;

const transitionSchema = z.object({
  sequence: z.number(),
  by: z.string(),
  refused: z.boolean(),
  fact: factSchema,
  state: z.enum(states).describe('the state after this fact'),
  status: z.enum(statuses),
});
const pageSchema = z.object({ invocations: z.array(summarySchema), cursor: optional(z.string()) });
export type HistoryPage = z.infer<typeof pageSchema>;

const identitySchema = z.object({ id, function: z.string().max(256).optional(), project: filterSchema.shape.project }).strict();
const pastIdentitySchema = identitySchema.extend({ moment: momentSchema.optional() }).strict();
const detailSchema = summarySchema.extend({
  payload: z.string(),
  response: optional(z.string()),
  deliveries: z.array(deadLetterSchema),
});
export type InvocationDetail = z.infer<typeof detailSchema>;
const timelineSchema = z.object({ id: z.string(), transitions: z.array(transitionSchema) });

const treeSchema = z.object({ root: z.string(), nodes: z.array(summarySchema), isCut: z.boolean() });
export type HistoryTree = z.infer<typeof treeSchema>;

const statsQuerySchema = filterSchema
  .extend({
    moment: momentSchema.optional(),
    bucketInMs: z
      .number()
      .int()
      .min(1_000)
      .max(31 * 86_400_000)
      .optional(),
    by: z.literal('version').optional().describe('a row for each version that ran'),
  })
  .strict();
const percentilesSchema = z.object({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() });
const statsRowSchema = z.object({
  function: z.string(),
  from: optional(moment).describe('the beginning of the time bucket'),
  version: z.string().nullish().describe('with `by`: the version; null for invocations without an attempt'),
  accepted: count,
  retries: count.optional().describe('the retries of all invocations together'),
  retried: count.optional().describe('invocations with at least one retry'),
  retriedEnded: count.optional().describe('those of them with an outcome that is not a cancellation; an earlier projection leaves it out'),
  byState: z.record(z.string(), count),
  byCondition: z.record(z.string(), count),
  durationInMs: optional(percentilesSchema).describe('from acceptance, or from the due time of a delayed request, to outcome'),
  queueInMs: optional(percentilesSchema).describe('from acceptance, or from the due time of a delayed request, to the first attempt'),
});
const statsSchema = z.object({ rows: z.array(statsRowSchema) });
export type StatsRow = z.infer<typeof statsRowSchema>;

const deadQuerySchema = z
  .object({
    function: z.string().max(256).optional(),
    project: filterSchema.shape.project,
    limit: z.number().int().min(1).max(500).default(100),
    cursor: z
      .string()
      .regex(/^\d{1,16}$/, 'must be the cursor of an earlier page')
      .optional(),
  })
  .strict();
const deadSchema = z.object({ deadLetters: z.array(deadLetterSchema), cursor: optional(z.string()) });

const waitsQuerySchema = z.strictObject({
  project: filterSchema.shape.project,
  pools: few(z.string().max(256)).optional(),
  limit: z.number().int().min(1).max(1_000).default(20).describe('the number of keys of each pool'),
});
const problemSchema = z.object({
  sequence: z.number(),
  at: moment,
  kind: z.enum(['unreadable', 'refused', 'unknown', 'gap']),
  invocation: optional(z.string()),
  why: z.string(),
});
const problemsQuerySchema = z.object({ after: count.default(0), limit: z.number().int().min(1).max(500).default(100) }).strict();
const problemsSchema = z.object({ problems: z.array(problemSchema) });
export type HistoryProblem = z.infer<typeof problemSchema>;

const statusSchema = z.object({
  instance: z.string(),
  file: z.string(),
  created: z.string().describe('when the log was created'),
  sequence: count.describe('the sequence up to which the read model is folded'),
  last: count.describe('the last sequence of the log'),
  lag: count,
  lagInMs: z.number(),
  problems: count,
  open: count.describe('streams in memory'),
  memoryInBytes: count,
  isReady: z.boolean().describe('whether the read model reached the end of the log since the start, or since the last rebuild'),
  rebuild: optional(
    z.object({ why: z.string(), sequence: count, target: count, perSecond: count, percent: z.number(), secondsLeft: optional(z.number()) }),
  ),
  rebuilds: z.array(z.object({ at: moment, why: z.string() })).describe('the rebuilds since this process started'),
});
export type HistoryStatus = z.infer<typeof statusSchema>;
/** How the reason of a rebuild begins that a damaged file caused, and a file that could not be written or a log that could not be read. */
export const DAMAGED = 'its file is damaged';
export const CANNOT_FOLLOW = 'it could not follow the log';

const checkSchema = z.object({
  instance: z.string(),
  sequence: z.number(),
  isEqual: z.boolean(),
  damage: z.string().optional().describe('why no table could be compared: the file of the read model is damaged, and is rebuilt'),
  tables: z.array(z.object({ table: z.string(), rows: count, live: z.string(), rebuilt: z.string(), isEqual: z.boolean() })),
});
export type HistoryCheck = z.infer<typeof checkSchema>;

const nothing = z.object({}).strict();

/** The schemas of each question and its answer. The last three questions are addressed to one instance. */
export const questions = {
  get: { query: pastIdentitySchema, answer: detailSchema },
  list: { query: listQuerySchema, answer: pageSchema },
  count: { query: countQuerySchema, answer: countSchema },
  stats: { query: statsQuerySchema, answer: statsSchema },
  timeline: { query: pastIdentitySchema, answer: timelineSchema },
  tree: { query: identitySchema, answer: treeSchema },
  batches: { query: batchesQuerySchema, answer: batchesSchema },
  dead: { query: deadQuerySchema, answer: deadSchema },
  waits: { query: waitsQuerySchema, answer: waitsSchema },
  sql: { query: sqlQuerySchema, answer: sqlAnswerSchema },
  problems: { query: problemsQuerySchema, answer: problemsSchema },
  usage: { query: usageQuerySchema, answer: usageSchema },
  figures: { query: figuresQuerySchema, answer: figuresSchema },
  status: { query: nothing, answer: statusSchema },
  check: { query: nothing, answer: checkSchema },
  rebuild: { query: nothing, answer: statusSchema },
} as const;
export type Question = keyof typeof questions;
/** The questions that can be limited to one project: those that name one. */
export const questionsOfProjects = (Object.keys(questions) as Question[]).filter((name) => 'project' in questions[name].query.shape);
export type QueryOf<Name extends Question> = z.input<(typeof questions)[Name]['query']>;
type ParsedQueryOf<Name extends Question> = z.output<(typeof questions)[Name]['query']>;
export type AnswerOf<Name extends Question> = z.output<(typeof questions)[Name]['answer']>;

/** Answers questions. Throws `InvocationNotFoundError`, and `AmbiguousIdError` when several functions have an invocation of the id. */
export type HistoryAnswers = { [Name in Question]: (query: ParsedQueryOf<Name>) => AnswerOf<Name> | Promise<AnswerOf<Name>> };

export interface History {
  /** Throws `HistoryUnavailableError` when no projection answers, `InvocationNotFoundError`, `AmbiguousIdError`, `InvalidInputError`. */
  ask<Name extends Question>(question: Name, query: QueryOf<Name>, options?: AskOptions): Promise<AnswerOf<Name>>;
  /** The names of the instances that answer now; none when no projection runs. Throws `NoAnswerError` when one runs and none answers. */
  instances(): Promise<string[]>;
}

export type AskOptions = {
  /** Asks only this instance. */
  instance?: string;
  timeoutInMs?: number;
  /**
   * The answer covers the log up to this sequence. The instance that answers waits until its read model does, for at most five seconds; after
   * that the question fails with `HistoryUnavailableError`.
   */
  atLeast?: number;
};

/** The search words of a text: runs of letters and digits, in lower case. */
export function wordsIn(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
