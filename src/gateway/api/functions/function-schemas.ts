import { z } from 'zod';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { marginSchema, promoteAfterSchema } from '#src/core/functions/entry.ts';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import { MAX_QUESTIONS } from '#src/functions/entry-store.ts';
import { asOf, count, moment, time } from '../common-schemas.ts';
import { filterShape } from '../invocations/invocation-schemas.ts';

const versionSchema = z.object({ version: z.string(), description: z.string(), published_at: moment });
const aliasSchema = z.object({
  alias: z.string(),
  version: z.string(),
  description: z.string(),
  weights: z.record(z.string(), z.number()).describe('the percentage of the requests that goes to each other version'),
  auto: z
    .object({ promote_after: z.int(), margin: z.number().describe('in percentage points') })
    .optional()
    .describe(
      'the canary promotes or rolls back itself: promoted when it is better, or when the test excludes after so many of its invocations that it is worse by the margin',
    ),
  decision: z
    .object({ at: moment, decision: z.enum(['promoted', 'rolled-back']), canary: z.string(), main: z.string(), why: z.string() })
    .optional()
    .describe('the latest decision of an automatic canary'),
});

const functionSummarySchema = z.object({
  name: z.string(),
  description: z.string(),
  handler_kind: z.string(),
  paused: z.boolean(),
  revision: z.int(),
  policy: functionDefinitionSchema.shape.policy,
  versions: z.array(versionSchema),
  aliases: z.array(aliasSchema),
});
export type FunctionSummary = z.infer<typeof functionSummarySchema>;
export const functionsSchema = z.object({
  functions: z.array(functionSummarySchema),
  next_cursor: z.string().optional().describe('the cursor of the next page; absent after the last function'),
});
export const functionsQuerySchema = z.strictObject({
  limit: wholeNumber(1, MAX_QUESTIONS).optional().describe('the largest number of functions; without it, all'),
  cursor: z.string().max(256).optional(),
  containing: z.string().max(256).default('').describe('a part of their names, in upper or lower case'),
  names: z.string().max(16_384).optional().describe('the names of the wanted functions, with commas between them; others are left out'),
});
export type FunctionsView = z.infer<typeof functionsSchema>;

export const functionSchema = z.object({
  definition: functionDefinitionSchema,
  revision: z.int(),
  versions: z.array(versionSchema.extend({ policy: functionDefinitionSchema.shape.policy })),
  aliases: z.array(
    aliasSchema.extend({
      policy: functionDefinitionSchema.shape.policy
        .unwrap()
        .optional()
        .describe('the own policy; without one, the policy of the version applies'),
    }),
  ),
});
export type FunctionView = z.infer<typeof functionSchema>;

/** A record here, because the registry validates each field of a definition. */
export const functionBodySchema = z.record(z.string(), z.unknown()).describe('a definition; the name may be left out');

export const policyBodySchema = z.record(z.string(), z.unknown()).describe('fields of the policy; the other fields stay unchanged');

const { function: _, ...filters } = filterShape;
export const statsQuerySchema = z.strictObject({
  ...filters,
  at: asOf.optional(),
  from: time.optional().describe('an hour ago by default'),
  to: time.optional().describe('now by default'),
  buckets: wholeNumber(1, 500).default(60).describe('the number of points in the series'),
});

const percentilesSchema = z.object({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() });
export const statsRowSchema = z.object({
  accepted: count,
  by_state: z.record(z.string(), count),
  by_condition: z.record(z.string(), count),
  duration_ms: percentilesSchema.optional().describe('from acceptance to outcome'),
  queue_ms: percentilesSchema.optional().describe('from acceptance, or from the due time of a delayed request, to the first attempt'),
});
export type StatsRow = z.infer<typeof statsRowSchema>;
const verdictSchema = z.object({
  version: z.string(),
  main: z.string(),
  verdict: z.enum(['worse', 'better', 'undecided']),
  test: z.string().describe('the statistical test'),
  p: z.number().describe('always valid: below 0.05 at any look with a probability of at most 5 % between equal versions'),
  weight: z.number().describe('the share of the requests that the weight gives to the version, in percent'),
  share: z.number().optional().describe('the share of the requests that the version got, in percent; absent while nothing is counted'),
  in_words: z.string(),
  remedy: z.string().optional().describe('the command that acts on the verdict'),
  undecided: z
    .object({
      more: z.int().optional().describe('about how many more ended invocations of the version decide; absent when no number does'),
      in_words: z.string(),
      remedies: z.array(z.string()).describe('the commands by which a person decides'),
    })
    .optional()
    .describe('an automatic canary that has ended as many invocations as `promote_after`, and is neither promoted nor rolled back yet'),
});
export const versionStatsQuerySchema = z.strictObject({
  ...filters,
  at: asOf.optional(),
  from: time.optional().describe('a day ago by default'),
  to: time.optional().describe('now by default'),
});
export const versionStatsSchema = z.object({
  function: z.string(),
  from: moment,
  to: moment,
  versions: z.array(
    statsRowSchema.extend({
      version: z.string().optional().describe('absent for invocations without an attempt'),
      share: z.number().describe('the share of all counted invocations, from 0 to 1; the share within an alias is in its verdict'),
      retries: count,
      retried: count.describe('invocations with at least one retry'),
    }),
  ),
  verdicts: z
    .array(verdictSchema.extend({ alias: z.string(), since: moment.describe('when the weights were set') }))
    .describe(
      'for each alias with weights, by the invocations that the alias served since the weights were set: each weighted version against the main one',
    ),
});
export type VersionStats = z.infer<typeof versionStatsSchema>;
export const publishBodySchema = z.strictObject({
  version: z.string().max(64).optional().describe('the time by default, such as v20260131-120000'),
  description: z.string().max(512).optional(),
});
export const aliasBodySchema = z.strictObject({
  version: z.string().max(64).describe('the version that gets the requests that no weight takes'),
  description: z.string().max(512).optional(),
  weights: z.record(z.string().max(64), z.number()).optional().describe('the percentage of the requests that goes to each other version'),
  auto: z
    .strictObject({ promote_after: promoteAfterSchema, margin: marginSchema.optional() })
    .nullish()
    .describe('promote or roll back the only weighted version without a person; null for by hand; left out, it stays while the shares do'),
});
const testEventSchema = z.object({ name: z.string(), text: z.string().describe('JSON, as it was saved'), changed_at: moment });
export const testEventsSchema = z.object({
  events: z.array(testEventSchema),
  example: z.string().optional().describe('JSON of the form that the schema of the function describes; absent when its code declares none'),
});
export type SavedEvents = z.infer<typeof testEventsSchema>;
export const policyQuerySchema = z.strictObject({
  qualifier: z.string().max(64).default('latest').describe('the version or the !alias that the policy belongs to'),
});
export const moveAliasBodySchema = z.strictObject({ version: z.string().max(256).optional() });

const bucketSchema = statsRowSchema.extend({ from: moment });

export const functionStatsSchema = z.object({
  function: z.string(),
  from: moment,
  to: moment,
  bucket_ms: z.number(),
  total: statsRowSchema,
  buckets: z.array(bucketSchema).describe('the buckets with an accepted invocation, the oldest first'),
});
export type FunctionStats = z.infer<typeof functionStatsSchema>;
export const statsSchema = z.object({ from: moment, to: moment, functions: z.array(statsRowSchema.extend({ function: z.string() })) });

export const graphSchema = z.object({
  nodes: z.array(
    z.object({ id: z.string(), function: z.string(), qualifier: z.string().optional(), kind: z.enum(['function', 'target']) }),
  ),
  edges: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      when: z.enum(['success', 'failure']),
      destination: z.string(),
      only_when: z.string().optional().describe('the condition of the destination in words; absent when it gets every such outcome'),
    }),
  ),
  loops: z.array(z.array(z.string())).describe('each loop as a path of node ids; the first and the last id are equal'),
  untold: z
    .array(z.object({ function: z.string(), from: z.array(z.string()).describe('the function, its versions and aliases without one') }))
    .optional()
    .describe(
      'the functions whose failures no failure destination and no consumer of RESULTS is told of; absent when the consumers cannot be read. Plain subscriptions and alerts leave no trace',
    ),
});
export type DestinationGraph = z.infer<typeof graphSchema>;
