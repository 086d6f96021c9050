import type { Destination, FactOf } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { openTexts } from '#src/core/encryption/open-texts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { encodeEnvelope } from '#src/core/log/envelope.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { deliveryIdOf } from '#src/core/names/delivery-ids.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { DeliveryRequest } from '#src/core/ports/destination-target.ts';

/** One try of one delivery. */
export type Try = {
  request: AcceptedRequest;
  invocation: Invocation;
  destination: Destination;
  /** 1 for the first try. */
  number: number;
};

type DeliveryRequestOptions = { tenancy: Tenancy; maxChain: number; maxBytes: number | undefined };

/** The request that a target receives. It derives from the log alone, so every try of a delivery sends the same content. */
export function deliveryRequestOf(attempted: Try, { tenancy, maxChain, maxBytes }: DeliveryRequestOptions): DeliveryRequest {
  const { request, invocation, destination, number } = attempted;
  const { fact } = request;
  return {
    deliveryId: idOfDelivery(attempted),
    try: number,
    destination,
    envelope: encodeEnvelope(tenancy, request, invocation, maxBytes),
    requestId: fact.invocation,
    functionName: fact.function,
    qualifier: fact.qualifier,
    outcome: invocation.context.outcome?.type ?? 'failed',
    acceptedAt: fact.at,
    lineage: lineageOf(fact, attempted, maxChain),
    ...(fact.traceparent === undefined ? {} : { traceparent: fact.traceparent }),
  };
}

/** The same try with its sealed texts opened. Throws as `PayloadSealer.open` does. */
export function openedTry(attempted: Try, payloads: PayloadSealer): Try {
  const { request, invocation } = attempted;
  const { outcome } = invocation.context;
  payloads.expectKey(request.fact.function);
  const open = (text: string): string => payloads.open(request.fact.function, text);
  const payload = open(request.payload);
  if (outcome?.type === 'succeeded') open(outcome.payload);
  const opened = openTexts(payloads, outcome, request.fact.function);
  return {
    ...attempted,
    request: { ...request, payload },
    invocation: { ...invocation, context: { ...invocation.context, outcome: opened } },
  };
}

/** Only an outcome has deliveries. */
export function idOfDelivery({ request: { fact }, invocation: { context }, destination }: Omit<Try, 'number'>): string {
  return deliveryIdOf(fact.function, context.outcome ?? fact, destination.id);
}

function lineageOf(
  { lineage, invocation: id }: FactOf<'queued'>,
  { invocation: { context }, destination }: Try,
  maxChain: number,
): DeliveryRequest['lineage'] {
  const children = (context.outcome?.destinations ?? []).filter(({ destination: kind }) => kind === 'FunctionGraph');
  const index = children.findIndex((child) => child.id === destination.id);
  const budget = Math.min(lineage?.budget ?? maxChain, maxChain);
  return { root: lineage?.root ?? id, hop: lineage?.hop ?? 0, budget: shareOf(budget, { index, count: children.length }) };
}

/**
 * The part of a chain's budget that one of `count` child invocations of the same outcome gets (L2).
 *
 * Each child uses one invocation of `budget`. The remainder is divided among the children, the earlier ones first. The share is -1 for a
 * child that the budget does not cover. The same arguments give the same share, so a repeated delivery starts the same child.
 */
export function shareOf(budget: number, { index, count }: { index: number; count: number }): number {
  if (index >= budget) return -1;
  const remainder = Math.max(0, budget - count);
  return Math.floor(remainder / count) + (index < remainder % count ? 1 : 0);
}
