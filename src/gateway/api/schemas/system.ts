import { z } from 'zod';
import { findingKinds } from '#src/analysis/findings.ts';
import { count, moment } from './common.ts';

const roleSchema = z.object({
  role: z.string(),
  instance: z.string(),
  host: z.string().optional(),
  pid: z.int().optional(),
  version: z.string().optional(),
  started_at: moment.optional(),
});

const logSchema = z.object({
  messages: count,
  bytes: count,
  subjects: count,
  first_sequence: count,
  last_sequence: count,
  durability: z.string().describe('what an acknowledgement promises: always, 100ms, default, or unknown'),
  durability_in_words: z.string(),
  replicas: count,
  storage: z.string(),
  used_bytes: count,
  limit_bytes: count.optional(),
});

export const systemSchema = z.object({
  version: z.string(),
  project: z.string(),
  server: z
    .object({ version: z.string(), round_trip_ms: z.number(), clock_ahead_ms: z.number().optional() })
    .optional()
    .describe('for the own project only'),
  roles: z
    .array(roleSchema)
    .describe(
      'who says that it is there, one entry for each role of each process; for another project one entry for each role, without process',
    ),
  lags: z
    .array(
      z.object({
        role: z.string(),
        name: z.string(),
        waiting: count.describe('messages that nobody was given yet'),
        at_work: count,
        again: count.describe('messages at work that were given out more than once'),
        is_attended: z.boolean().describe('whether somebody asks for work'),
      }),
    )
    .describe('what waits for a role, by the consumer that hands it out'),
  log: logSchema.optional().describe('for the own project only'),
  projection: z
    .object({
      instance: z.string(),
      sequence: count,
      lag: count,
      lag_ms: z.number(),
      problems: count.optional().describe('for the own project only'),
      is_ready: z.boolean(),
      rebuild: z.object({ why: z.string(), percent: z.number(), seconds_left: z.number().nullable() }).optional(),
    })
    .optional()
    .describe('absent when no projection runs'),
  oldest_open: z.object({ request_id: z.string(), function: z.string(), accepted_at: moment }).optional(),
  dead_letters: count.optional(),
  is_dead_letters_at_least: z.boolean().optional(),
});
export type SystemView = z.infer<typeof systemSchema>;

export const verifyBodySchema = z.strictObject({
  from: z.int().min(1).default(1).describe('what was accepted before this sequence is left out'),
  limit_ms: z.int().min(100).max(120_000).default(30_000).describe('how long it may take'),
});

export const verificationSchema = z.object({
  messages: count,
  findings: z.array(
    z.object({
      kind: z.enum(Object.keys(findingKinds) as [keyof typeof findingKinds, ...(keyof typeof findingKinds)[]]),
      rule: z.string(),
      sequence: count,
      invocation: z.string().optional(),
      function: z.string().optional(),
      what: z.string(),
    }),
  ),
  found: count.describe('how many there are in all'),
  is_complete: z.boolean().describe('false when it was ended by its limit of time'),
  balance: z.object({ accepted: count, settled: count, open: z.record(z.string(), count) }),
  took_ms: z.number(),
});

export const machineSchema = z.object({ invocation: z.looseObject({}), delivery: z.looseObject({}) });

export const readySchema = z.object({ status: z.string(), why: z.string().optional() });
