import { type Delivery, deliveryFolder, isDeliverySettled } from './delivery.ts';
import type { DeliveryFact, Destination } from './facts.ts';
import type { InvocationContext } from './invocation-context.ts';

/** The delivery to a destination; `undefined` before its first fact. */
export function deliveryOf({ deliveries }: InvocationContext, destination: string): Delivery | undefined {
  // An id may equal the name of a property that every object inherits, such as `constructor`.
  return Object.hasOwn(deliveries, destination) ? deliveries[destination] : undefined;
}

/** The destinations of the outcome whose delivery is not settled. */
export function openDeliveries(context: InvocationContext): Destination[] {
  return (context.outcome?.destinations ?? []).filter(({ id }) => !isDeliverySettled(deliveryOf(context, id)));
}

/** Whether every delivery of the outcome is settled. True for an outcome without destinations. */
export function allDeliveriesSettled(context: InvocationContext): boolean {
  return (context.outcome?.destinations ?? []).every(({ id }) => isDeliverySettled(deliveryOf(context, id)));
}

/**
 * Whether an invocation has no later redrive of a delivery than the one that is known. A decision about the delivery from before a redrive
 * says nothing about the delivery after the redrive.
 */
export function notRedrivenSince(destination: string, known: Delivery | undefined): (present: { context: InvocationContext }) => boolean {
  const redrivenAt = known?.context.redrivenAt ?? null;
  return ({ context }) => (deliveryOf(context, destination)?.context.redrivenAt ?? null) === redrivenAt;
}

/** Whether the outcome has the destination of a fact, and the delivery's machine accepts the fact. */
export function acceptsDeliveryFact(context: InvocationContext, fact: DeliveryFact): boolean {
  const isKnown = context.outcome?.destinations?.some(({ id }) => id === fact.destination) ?? false;
  return isKnown && deliveryFolder.accepts(latestDelivery(context, fact), fact);
}

/** The deliveries after a fact that `acceptsDeliveryFact` allowed. */
export function foldDelivery(context: InvocationContext, fact: DeliveryFact): InvocationContext['deliveries'] {
  const step = deliveryFolder.step(latestDelivery(context, fact), fact);
  return step === undefined ? context.deliveries : { ...context.deliveries, [fact.destination]: step.snapshot };
}

function latestDelivery(context: InvocationContext, { destination }: DeliveryFact): Delivery {
  return deliveryOf(context, destination) ?? deliveryFolder.initial;
}
