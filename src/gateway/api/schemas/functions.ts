import { z } from 'zod';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import { asOf, count, moment, time } from './common.ts';
import { filterShape } from './invocations.ts';

const versionSchema = z.object({ version: z.string(), description: z.string(), published_at: moment });
const aliasSchema = z.object({
  alias: z.string(),
  version: z.string(),
  description: z.string(),
  weights: z.record(z.string(), z.number()).describe('the percentage of the requests that goes to each other version'),
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
export const functionsSchema = z.object({ functions: z.array(functionSummarySchema) });

export const functionSchema = z.object({
  definition: functionDefinitionSchema,
  revision: z.int(),
  versions: z.array(versionSchema),
  aliases: z.array(aliasSchema),
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
  queue_ms: percentilesSchema.optional().describe('from acceptance to the first attempt'),
});
export type StatsRow = z.infer<typeof statsRowSchema>;
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
  edges: z.array(z.object({ from: z.string(), to: z.string(), when: z.enum(['success', 'failure']), destination: z.string() })),
  loops: z.array(z.array(z.string())).describe('each loop as a path of node ids; the first and the last id are equal'),
});
export type DestinationGraph = z.infer<typeof graphSchema>;
