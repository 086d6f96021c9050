import { z } from 'zod';
import { decimal, whole } from './bounds.ts';

/**
 * The facts of an invocation's life: what the log holds, and the events its machine folds.
 *
 * A fact is named after the state it enters, is appended once and never changes. All times are
 * milliseconds since the epoch by the clock of whoever appended it.
 */

/** Why an invocation failed. Closed: a new condition is a new version of the facts. */
export const conditions = {
  UnhandledInvocationError: 'the function threw, exited, ran out of memory or out of time',
  EventAgeExceeded: 'the request was older than the function allows before an attempt could start',
  FunctionNotFound: 'no such function, version or alias',
  PayloadTooLarge: 'the request payload is larger than 262,144 bytes',
  InvalidPayload: 'the request payload is not JSON text',
  InvalidRequest: 'a header or the envelope of the request cannot be accepted',
  LoopDetected: 'the chain of destinations that led here is too long',
  InvocationCanceled: 'somebody cancelled it',
  SystemError: 'the platform could not run it',
} as const;

export type Condition = keyof typeof conditions;

/**
 * The *system* return code of an outcome (SRC8): 200 for a success and for errors of the function
 * itself, anything else says that the system refused or failed.
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

/** The bytes that a request payload, and likewise a returned value, may have (SRC9). */
export const MAX_PAYLOAD_BYTES = 262_144;

/**
 * One thing that went wrong in one attempt.
 *
 * `function`: the user's code, which consumes a retry. `platform`: it could not be run (no responder,
 * no process), which does not. `lost`: the worker that ran it is gone, which does not either.
 */
export const failureSchema = z.object({
  kind: z.enum(['function', 'platform', 'lost']),
  errorType: z.string(),
  message: z.string(),
  stackTrace: z.array(z.string()).optional(),
  /** The vendor's code of the failure, such as 4002 (threw), 4010 (timed out), 4204 (exited), 4205 (memory). */
  code: z.number().int(),
});
export type Failure = z.infer<typeof failureSchema>;

export const backoffSchema = z.object({
  initialInMs: whole('the first delay', { from: 0, to: 86_400_000, of: 'milliseconds' }),
  factor: decimal('the factor', { from: 1, to: 10 }),
  maxInMs: whole('the longest delay', { from: 0, to: 86_400_000, of: 'milliseconds' }),
  /** The share of the delay that chance may take away: 0 is none, 1 is all of it. */
  jitter: decimal('the jitter', { from: 0, to: 1 }),
});
export type Backoff = z.infer<typeof backoffSchema>;

/** Who is told about an outcome: FunctionGraph's `destination` and `param`, under an id that is stable over all tries. */
const destinationSchema = z.object({
  id: z.string(),
  destination: z.string(),
  param: z.string(),
});
export type Destination = z.infer<typeof destinationSchema>;

/** What an invocation runs under, fixed when its first attempt starts. */
export const termsSchema = z.object({
  /** The revision of the function's definition, which any change of it raises. */
  revision: z.number().int(),
  /** The version that an alias, or the request itself, stood for; `latest` without one. Every attempt runs it. */
  version: z.string().optional(),
  timeoutInMs: z.number().int(),
  maxRetries: z.number().int(),
  maxAgeInMs: z.number().int(),
  backoff: backoffSchema,
  /** Who is told about a success, and who about a failure. */
  onSuccess: z.array(destinationSchema).optional(),
  onFailure: z.array(destinationSchema).optional(),
});
export type Terms = z.infer<typeof termsSchema>;

const invocation = z.string();
const at = z.number();
const attempt = z.number().int();
const output = z.string().optional();
const destinations = z.array(destinationSchema).optional();

/** Where a chain of destinations came from. */
const lineageSchema = z.object({
  /** The request that the chain began with. */
  root: z.string(),
  /** The request whose outcome led here. */
  parent: z.string(),
  /** How many destinations lie between the root and here. */
  hop: z.number().int(),
  /** How many further invocations may follow from here. Below zero this one is one too many. */
  budget: z.number().int().optional(),
});
export type Lineage = z.infer<typeof lineageSchema>;

/** The request was accepted: the message on the invoke subject itself. */
const queued = z.object({
  type: z.literal('queued'),
  invocation,
  at,
  function: z.string(),
  qualifier: z.string(),
  traceparent: z.string().optional(),
  lineage: lineageSchema.optional(),
  /** The invocation that this one runs again. */
  redriveOf: z.string().optional(),
});

/** An attempt started. Its number is the fence: only the current attempt can be settled (E5). */
const running = z.object({
  type: z.literal('running'),
  invocation,
  at,
  attempt,
  worker: z.string(),
  /** On the first attempt only. */
  terms: termsSchema.optional(),
});

/** The attempt did not succeed, and another one is due at an absolute time (T1). */
const retrying = z.object({ type: z.literal('retrying'), invocation, at, attempt, dueAt: z.number(), failure: failureSchema, output });

/** The function returned. */
const succeeded = z.object({
  type: z.literal('succeeded'),
  invocation,
  at,
  attempt,
  payload: z.string(),
  /** The size of a returned value that was too large and was replaced by an empty one (SRC9). */
  droppedBytes: z.number().int().optional(),
  output,
  destinations,
});

/** No further attempt will be made. `attempt` is 0 when none ever started. */
const failed = z.object({
  type: z.literal('failed'),
  invocation,
  at,
  attempt,
  condition: z.enum(Object.keys(conditions) as [Condition, ...Condition[]]),
  failure: failureSchema,
  output,
  destinations,
});

const delivery = { invocation, at, destination: z.string(), try: z.number().int() };
/** A try begins. `deliverer` is who makes it. */
const deliveryStarted = z.object({ type: z.literal('delivery.started'), ...delivery, deliverer: z.string() });
const deliveryFailed = z.object({ type: z.literal('delivery.failed'), ...delivery, dueAt: z.number(), reason: z.string() });
const deliveryDelivered = z.object({ type: z.literal('delivery.delivered'), ...delivery });
const deliveryDead = z.object({ type: z.literal('delivery.dead'), ...delivery, reason: z.string() });

/** Somebody asked for a dead delivery to be tried again. */
const deliveryRedriven = z.object({ type: z.literal('delivery.redriven'), ...delivery });

/** Every delivery of the outcome is settled, or there was nothing to deliver. */
const notified = z.object({ type: z.literal('notified'), invocation, at });

/** Somebody ran it again, as a new invocation. */
const redriven = z.object({ type: z.literal('redriven'), invocation, at, redrive: z.string() });

export const factSchema = z.discriminatedUnion('type', [
  queued,
  running,
  retrying,
  succeeded,
  failed,
  deliveryStarted,
  deliveryFailed,
  deliveryDelivered,
  deliveryDead,
  deliveryRedriven,
  notified,
  redriven,
]);

export type Fact = z.infer<typeof factSchema>;
export type FactOf<Type extends Fact['type']> = Extract<Fact, { type: Type }>;
export type DeliveryFact = Extract<Fact, { destination: string }>;
export type Outcome = FactOf<'succeeded'> | FactOf<'failed'>;

/** The version of these shapes, written with every append. Facts of earlier versions pass `src/nats/wire/upcasters.ts` when they are read. */
export const FACTS_VERSION = 1;
