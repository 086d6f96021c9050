import type { Destination } from '#machines/facts.ts';

/** How long after the outcome a delivery is tried, in milliseconds, unless it is configured. */
export const MAX_DELIVERY_AGE_IN_MS = 86_400_000;

/** One outcome to hand to one destination. */
export type DeliveryRequest = {
  /** The idempotency key of the delivery: the same on every try, different for every destination of an outcome. */
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
  /** Where the chain began, how many hops lie between, and what is left for the invocation that this delivery may start. */
  lineage: { root: string; hop: number; budget: number };
  traceparent?: string;
};

/** What became of one try. `dead` is final: trying again cannot help. */
export type DeliveryResult =
  | { kind: 'delivered' }
  | { kind: 'failed'; reason: string; retryAfterInMs?: number }
  | { kind: 'dead'; reason: string };

/** A kind of target: FunctionGraph, OBS, SMN, DIS, NATS or HTTP. */
export interface DestinationTarget {
  /** The most bytes that an envelope may have for it. In a larger one payloads are replaced by empty ones. */
  readonly maxEnvelopeBytes?: number;
  /** The most tries at one of its places at one moment, if that is not the usual. */
  readonly triesAtOnce?: number;
  /** Its tries end by themselves in time, and nobody needs to abort them. */
  readonly endsByItself?: true;
  /** Why a function cannot use this `param`, or `undefined`. Asked when the function is configured (SRC5). */
  refuse(param: string, functionName: string): string | undefined;
  /** Deliveries with the same key go to the same place, and share its bounded concurrency. */
  limitKeyOf(destination: Destination): string;
  /** Never rejects. Gives up when the signal aborts. */
  deliver(request: DeliveryRequest, signal: AbortSignal): Promise<DeliveryResult>;
}
