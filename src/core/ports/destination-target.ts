import type { Destination } from '#machines/facts.ts';

/** The default maximum age of a delivery, in milliseconds. */
export const MAX_DELIVERY_AGE_IN_MS = 86_400_000;

/** One try to deliver one outcome to one destination. */
export type DeliveryRequest = {
  /** The idempotency key of the delivery: equal for all tries, different for each destination of an outcome. */
  deliveryId: string;
  /** 1 for the first try. */
  try: number;
  destination: Destination;
  /** The envelope of SRC7, JSON text. */
  envelope: string;
  requestId: string;
  functionName: string;
  qualifier: string;
  outcome: 'succeeded' | 'failed';
  /** When the request was accepted, in milliseconds since the epoch. */
  acceptedAt: number;
  /** The root of the chain, the number of hops, and the budget of the invocation that this delivery may start. */
  lineage: { root: string; hop: number; budget: number };
  traceparent?: string;
};

/** The result of one try. `dead` is final: a further try cannot succeed. */
export type DeliveryResult =
  | { kind: 'delivered' }
  | { kind: 'failed'; reason: string; retryAfterInMs?: number }
  | { kind: 'dead'; reason: string };

/** A kind of target: FunctionGraph, OBS, SMN, DIS, NATS or HTTP. */
export interface DestinationTarget {
  /** The maximum size of an envelope, in bytes. In a larger envelope payloads become empty. */
  readonly maxEnvelopeBytes?: number;
  /** The maximum number of concurrent tries for one limit key, if it differs from the default. */
  readonly triesAtOnce?: number;
  /** It has no circuit breaker, because its tries fail only when Sequent's own log fails. */
  readonly withoutCircuit?: true;
  /** Its tries end by themselves in time, and need no abort. */
  readonly endsByItself?: true;
  /** Why a function cannot use this `param`, or `undefined`. Asked when the function is configured (SRC5). */
  refuse(param: string, functionName: string): string | undefined;
  /**
   * Why a function cannot use a `param` that `refuse` accepts, as another system says; `undefined` when it can. Asked when the function is
   * configured, and not before a delivery.
   */
  check?(param: string): Promise<string | undefined>;
  /** The limit key of a destination. Deliveries with one key share a bounded concurrency. */
  limitKeyOf(destination: Destination): string;
  /** Makes the try. Never rejects. Ends when the signal aborts. */
  deliver(request: DeliveryRequest, signal: AbortSignal): Promise<DeliveryResult>;
}
