import { z } from 'zod';
import { decimalNumber, wholeNumber } from './bounds.ts';
import { debounceClosed, debounceJoined, keep } from './debounce-facts.ts';
import { deliveryFacts } from './delivery-facts.ts';

/**
 * The facts of an invocation. The log holds them, and the machine folds them as its events.
 *
 * A fact is named after the state that it enters, is appended once, and never changes. Times are milliseconds since the epoch, by the clock
 * of the process that appended the fact.
 */

/** Why an invocation failed. The list is closed: a new condition needs a new version of the facts. */
export const conditions = {
  UnhandledInvocationError: 'the function threw, exited, ran out of memory or out of time',
  EventAgeExceeded: 'the request was older than the function allows before an attempt could start',
  FunctionNotFound: 'no such function, version or alias',
  PayloadTooLarge: 'the request payload is larger than 262,144 bytes',
  InvalidPayload: 'the request payload is not JSON text',
  InvalidRequest: 'a header or the envelope of the request cannot be accepted',
  LoopDetected: 'the chain of destinations that led here is too long',
  InvocationCanceled: 'the invocation was cancelled',
  SystemError: 'the platform could not run the function',
} as const;

export type Condition = keyof typeof conditions;

/**
 * The *system* return code of an outcome (SRC8): 200 for a success and for an error of the function. Every other code says that the system
 * refused the request or failed.
 */
export const statusCodes: Record<Condition, number> = {
  UnhandledInvocationError: 200,
  EventAgeExceeded: 408,
  FunctionNotFound: 404,
  PayloadTooLarge: 413,
  InvalidPayload: 406,
  InvalidRequest: 400,
  LoopDetected: 508,
  InvocationCanceled: 499,
  SystemError: 500,
};

/** The maximum size of a request payload, and of a returned value (SRC9). */
export const MAX_PAYLOAD_BYTES = 262_144;

/**
 * Why one attempt failed, in one of three kinds. Only the first kind consumes a retry.
 *
 * - `function`: the user's code failed.
 * - `platform`: the code could not be run (no responder, no process).
 * - `lost`: the worker that ran the attempt is gone.
 */
/** The longest delay that a function may ask for: 30 days. The maximum age of the invocation may end it earlier. */
const MAX_RETRY_AFTER_IN_MS = 2_592_000_000;

export const failureSchema = z.object({
  kind: z.enum(['function', 'platform', 'lost']),
  errorType: z.string(),
  message: z.string(),
  stackTrace: z.array(z.string()).optional(),
  /** FunctionGraph's code of the failure, such as 4002 (threw), 4010 (timed out), 4204 (exited), 4205 (memory). */
  code: z.number().int(),
  /** The function said that a further attempt cannot succeed. */
  retryable: z.literal(false).optional(),
  /** The delay before the next attempt that the function or its endpoint asked for. */
  retryAfterInMs: wholeNumber('the delay of the next attempt', { from: 0, to: MAX_RETRY_AFTER_IN_MS, of: 'milliseconds' }).optional(),
});
export type Failure = z.infer<typeof failureSchema>;

export const backoffSchema = z.object({
  initialInMs: wholeNumber('the first delay', { from: 0, to: 86_400_000, of: 'milliseconds' }),
  factor: decimalNumber('the factor', { from: 1, to: 10 }),
  maxInMs: wholeNumber('the longest delay', { from: 0, to: 86_400_000, of: 'milliseconds' }),
  /** The share of the delay that is random: 0 is none, 1 is the whole delay. */
  jitter: decimalNumber('the jitter', { from: 0, to: 1 }),
});
export type Backoff = z.infer<typeof backoffSchema>;

/** A receiver of outcomes: FunctionGraph's `destination` and `param`, under an id that is equal for all tries. */
const destinationSchema = z.object({
  id: z.string(),
  destination: z.string(),
  param: z.string(),
  /** The condition under which the destination gets an outcome (WHEN1), as JSON text. */
  when: z.string().optional(),
});
export type Destination = z.infer<typeof destinationSchema>;

/** A destination that does not get the outcome, because its `when` does not hold. `undecidable` says why that could not be decided (WHEN2). */
const notSentSchema = destinationSchema.extend({ when: z.string(), undecidable: z.string().optional() });

/** The policy and version that an invocation runs under, fixed when its first attempt starts. */
export const termsSchema = z.object({
  /** The revision of the function's definition. Every change of the definition raises the revision. */
  revision: z.number().int(),
  /** The version that the request's qualifier resolved to; absent for `latest`. Every attempt runs this version. */
  version: z.string().optional(),
  timeoutInMs: z.number().int(),
  maxRetries: z.number().int(),
  maxAgeInMs: z.number().int(),
  backoff: backoffSchema,
  /** The invocation has one attempt and no destinations, because its caller waits for the outcome (SYNC1). */
  synchronous: z.literal(true).optional(),
  /** The destinations of a success. */
  onSuccess: z.array(destinationSchema).optional(),
  /** The destinations of a failure. */
  onFailure: z.array(destinationSchema).optional(),
});
export type Terms = z.infer<typeof termsSchema>;

/** How urgent a request is while requests wait for a slot: 9 is the most urgent, as in JMS (Jakarta Messaging 3.1, section 3.4.10). */
export const prioritySchema = wholeNumber('the priority', { from: 0, to: 9 });

const invocation = z.string();
const at = z.number();
const attempt = z.number().int();
const output = z.string().optional();
/** The reference to the whole output, when the function keeps it: it is stored beside the log. A cut one lacks its beginning. */
const storedOutput = z.object({ reference: z.string(), isCut: z.literal(true).optional() }).optional();
export type StoredOutput = NonNullable<z.infer<typeof storedOutput>>;
/** The memory of the function's process at the end of the attempt, in megabytes. Measured for synchronous invocations only. */
const memoryUsedInMb = z.number().optional();
const destinations = z.array(destinationSchema).optional();
/** The destinations whose `when` does not hold. */
const notSent = z.array(notSentSchema).optional();

/** The position of an invocation in a chain of destinations. */
const lineageSchema = z.object({
  /** The first request of the chain. */
  root: z.string(),
  /** The request whose outcome caused this one. */
  parent: z.string(),
  /** The number of deliveries between the root and this request. */
  hop: z.number().int(),
  /** How many further invocations may follow from this one. A negative budget refuses this one (L2). */
  budget: z.number().int().optional(),
});
export type Lineage = z.infer<typeof lineageSchema>;

/** What the request of a batch says: the id of the batch, the destinations of its outcome, and the batch whose failed members it runs again. */
export const opensSchema = z.object({
  batch: z.string(),
  onComplete: destinations,
  redriveOf: z.string().optional(),
});
export type OpensBatch = z.infer<typeof opensSchema>;

/** The request was accepted. This fact is the message on the invoke subject. */
const queued = z.object({
  type: z.literal('queued'),
  invocation,
  at,
  function: z.string(),
  qualifier: z.string(),
  traceparent: z.string().optional(),
  lineage: lineageSchema.optional(),
  /** The invocation that this one redrives. */
  redriveOf: z.string().optional(),
  /** The caller waits for the outcome of the first attempt (SYNC1). */
  synchronous: z.literal(true).optional(),
  /** The first attempt is due at this absolute time (T1). Absent when it was due at acceptance. */
  dueAt: z.number().optional(),
  /** The schedule that requested it, and the fire time. Without a fire time, a person ran the schedule. */
  schedule: z.object({ name: z.string(), at: z.number().optional() }).optional(),
  /** The key that the caller chose among those of the function's flow. */
  flowKey: z.string().optional(),
  /** From 0 to 9, which is the most urgent. Absent when the caller chose none. */
  priority: prioritySchema.optional(),
  /** The batch that the request is a member of. */
  batch: z.string().optional(),
  /** The request opens a batch, and invokes nothing (`batch.ts`). */
  opens: opensSchema.optional(),
});

/** Why no further member of a batch is awaited: the input ended, a person sealed or cancelled the batch, or it was still open when it was due. */
const batchSealed = z.object({
  type: z.literal('batch.sealed'),
  invocation,
  at,
  reason: z.enum(['ended', 'person', 'canceled', 'abandoned']),
});

/** The invocation whose outcome this is: the leader of the group (`group.ts`). */
const leader = z.string().optional();

/**
 * The next attempt is due, and waits: all slots of its key are taken, or its rate lets no attempt start now. The invocation stays in its
 * state.
 */
const deferred = z.object({
  type: z.literal('deferred'),
  invocation,
  at,
  flow: z.object({
    /** The slots that the function uses: `function.<function>`, or `pool.<pool>`. */
    pool: z.string(),
    key: z.string(),
    /** The priority of the request, when its caller chose one. */
    priority: prioritySchema.optional(),
    /** The rate that lets no attempt start before `dueAt`. Absent when the slots of the key are taken. */
    rate: z.object({ limit: z.int(), perInMs: z.int(), burst: z.int(), dueAt: z.number() }).optional(),
    /** The request waits for others of its key, with which it runs once (`group.ts`). */
    debounce: z.object({ keep, waitInMs: z.int(), maxWaitInMs: z.int() }).optional(),
  }),
});

/** An attempt started. The attempt number is the fence: only the current attempt can be settled (E5). */
const running = z.object({
  type: z.literal('running'),
  invocation,
  at,
  attempt,
  worker: z.string(),
  /** Present on the first attempt, and only there. */
  terms: termsSchema.optional(),
});

/** The attempt failed, and the next attempt is due at an absolute time (T1). */
const retrying = z.object({
  type: z.literal('retrying'),
  invocation,
  at,
  attempt,
  dueAt: z.number(),
  failure: failureSchema,
  output,
  storedOutput,
});

/** The function returned. */
const succeeded = z.object({
  type: z.literal('succeeded'),
  invocation,
  at,
  attempt,
  payload: z.string(),
  /** The size of a returned value that was too large. An empty value replaces it (SRC9). */
  droppedBytes: z.number().int().optional(),
  /** The reference to that value, when the function keeps large payloads: it is stored beside the log. */
  stored: z.string().optional(),
  output,
  storedOutput,
  memoryUsedInMb,
  destinations,
  notSent,
  leader,
});

/** No further attempt follows. `attempt` is 0 when no attempt started. */
const failed = z.object({
  type: z.literal('failed'),
  invocation,
  at,
  attempt,
  condition: z.enum(Object.keys(conditions) as [Condition, ...Condition[]]),
  failure: failureSchema,
  output,
  storedOutput,
  memoryUsedInMb,
  destinations,
  notSent,
  leader,
});

/** Every delivery of the outcome is settled, or the outcome has no destinations. */
const notified = z.object({ type: z.literal('notified'), invocation, at });

/**
 * The invocation was redriven: `redrive` is the id of the new invocation. `isEarly` is present when the deliveries of the outcome were not
 * settled yet, which only processes since version 4 of the facts accept.
 */
const redriven = z.object({ type: z.literal('redriven'), invocation, at, redrive: z.string(), isEarly: z.literal(true).optional() });

export const factSchema = z.discriminatedUnion('type', [
  queued,
  deferred,
  debounceClosed,
  debounceJoined,
  running,
  retrying,
  succeeded,
  failed,
  ...deliveryFacts,
  notified,
  redriven,
  batchSealed,
]);

export type Fact = z.infer<typeof factSchema>;
export type FactOf<Type extends Fact['type']> = Extract<Fact, { type: Type }>;
export type DeliveryFact = Extract<Fact, { destination: string }>;
export type Outcome = FactOf<'succeeded'> | FactOf<'failed'>;

export function isOutcome(fact: Fact): fact is Outcome {
  return fact.type === 'succeeded' || fact.type === 'failed';
}

/** The version of these schemas, written with every append. `src/nats/wire/upcasters.ts` converts facts of earlier versions when they are read. */
export const FACTS_VERSION = 1;
