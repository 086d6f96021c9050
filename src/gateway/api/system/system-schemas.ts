import { z } from 'zod';
import { type WaitKind, waitKinds } from '#src/analysis/explain/queue-waits.ts';
import { findingKinds } from '#src/analysis/verify/findings.ts';
import { count, moment } from '../common-schemas.ts';

const roleSchema = z.object({
  role: z.string(),
  instance: z.string(),
  host: z.string().optional(),
  pid: z.int().optional(),
  version: z.string().optional(),
  started_at: moment.optional(),
  clock_ahead_ms: z.number().optional().describe("how far the clock of the process is ahead of the NATS server's; negative when behind"),
  clock_uncertainty_ms: z.number().optional(),
  held_slots: count.optional().describe('the slots of a worker that executions hold'),
  slots: count.optional().describe('the slots of all functions of a worker: the executions that it can make at one moment'),
  processor_use: z
    .array(z.object({ project: z.string(), used_ms: count, waited_ms: count, has_waited: z.boolean() }))
    .optional()
    .describe('what the functions of other projects used of the processors of a worker, and how long they waited for their part of them'),
  isolation: z.string().optional().describe('how a worker isolates the code of other projects'),
  file_problems: z.array(z.string()).optional().describe('the files of the process that cannot be used, or soon cannot'),
  missing_keys: z.array(z.string()).optional().describe('the projects whose payloads the process must seal or open, and has no key for'),
  takes_work: z.boolean().optional().describe('false while the clock is beyond --clock-limit'),
});

const circuitSchema = z.object({
  function: z.string(),
  target: z.string().describe('the kind of the target and its origin, bucket, topic, stream or subject'),
  state: z.enum(['open', 'half-open']),
  open_until: moment.optional().describe('absent for a half-open circuit'),
  failures: count.describe('the failures in a row'),
  reason: z.string().describe('why the last try failed'),
  in_words: z.string().describe('the state and its remedy'),
});

const waitKindSchema = z.enum(Object.keys(waitKinds) as [WaitKind, ...WaitKind[]]);

/** Why something waits now. */
export const waitSchema = z.object({
  kind: waitKindSchema,
  in_words: z.string(),
  remedy: z.string().optional().describe('what to do; absent when the wait ends by itself'),
});
export type WaitView = z.infer<typeof waitSchema>;

const functionWaitSchema = waitSchema.extend({
  function: z.string(),
  waiting: count.describe('the requests that wait'),
  since: moment.optional(),
});

const plainRequestsSchema = z.object({
  function: z.string(),
  requests: count,
  is_at_least: z.boolean(),
  latest_at: moment,
  in_words: z.string(),
  remedy: z.string(),
});

const quotaSchema = z.object({
  project: z.string(),
  quota: z
    .enum(['open', 'rate', 'stored_bytes', 'functions', 'schedules', 'definition_bytes'])
    .describe(
      'open: invocations that are not notified; rate: accepted requests per second; stored_bytes: what the log holds; definition_bytes: functions with their versions, schedules and test events',
    ),
  limit: count,
  used: count.optional().describe('what the project uses of the quota, as this gateway counts it; absent for the rate'),
  refused: count.describe('the requests that this gateway refused since its start'),
  is_reached: z.boolean().describe('whether the project has reached the quota, or was refused in the last minute'),
});

const logSchema = z.object({
  messages: count,
  bytes: count,
  subjects: count,
  first_sequence: count,
  last_sequence: count,
  durability: z.string().describe('the durability of an acknowledged message: always, 100ms, default, or unknown'),
  durability_in_words: z.string(),
  replicas: count,
  replica_difference: z.string().optional().describe('how the replicas differ; absent while they are equal'),
  losses: z
    .array(
      z.object({
        id: z.string(),
        found_at: moment,
        lost_at_most: count,
        from: moment,
        to: moment,
        in_words: z.string().describe('the loss and its remedy'),
      }),
    )
    .describe('losses of acknowledged messages that no operator has acknowledged'),
  refusal: z.object({ at: moment, why: z.string() }).optional().describe('present while the log is full and refuses messages'),
  storage: z.string(),
  used_bytes: count,
  limit_bytes: count.optional(),
  consumers: count.describe('the consumers of the log; each function has one'),
  max_consumers: count.optional().describe('how many consumers the log may have; absent without a limit'),
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
      'one entry for each running role of each process; for a project other than the own one, one entry for each role, without its process',
    ),
  lags: z
    .array(
      z.object({
        role: z.string(),
        name: z.string(),
        waiting: count.describe('messages that were not delivered yet'),
        at_work: count,
        again: count.describe('messages in progress that were delivered more than once'),
        is_attended: z.boolean().describe('whether a process pulls from the consumer'),
        oldest_at: moment
          .optional()
          .describe('when the oldest queued invocation of the function was accepted; absent without a projection'),
      }),
    )
    .describe('the lag of each role, by consumer'),
  versions: z
    .array(z.object({ version: z.string(), processes: count }))
    .optional()
    .describe('the versions that processes run, the newest first; for the own project only'),
  circuits: z.array(circuitSchema).describe('the circuits of targets that are not closed: their deliveries wait'),
  waits: z.array(functionWaitSchema).describe('functions whose requests make no progress, and why'),
  plain_requests: z
    .array(plainRequestsSchema)
    .optional()
    .describe('requests that came in plain text although the project encrypts payloads; absent when no projection runs'),
  quotas: z.array(quotaSchema).describe('the quotas of the project of the caller; for the own project, those of all projects'),
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
  from: z.int().min(1).default(1).describe('ignores the invocations that were accepted before this sequence'),
  limit_ms: z.int().min(100).max(120_000).default(30_000).describe('the time limit, in milliseconds'),
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
  found: count.describe('the number of all findings'),
  is_complete: z.boolean().describe('false if the time limit was reached'),
  balance: z.object({ accepted: count, settled: count, open: z.record(z.string(), count) }),
  took_ms: z.number(),
});

export const machineSchema = z.object({ invocation: z.looseObject({}), delivery: z.looseObject({}) });

export const readySchema = z.object({ status: z.string(), why: z.string().optional() });
