import { deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import type { DeliveryFact, Fact, FactOf } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { acceptsRetry } from '#machines/retry.ts';
import type { FindingKind } from './findings.ts';

export type Refusal = { kind: FindingKind; what: string };

/** Says which rule a fact breaks that the machine refuses. */
export function whyRefused(invocation: Invocation, fact: Fact): Refusal {
  switch (fact.type) {
    case 'queued':
      return { kind: 'two-births', what: 'it was accepted before' };
    case 'running':
      return whyNoAttempt(invocation, fact);
    case 'succeeded':
    case 'failed':
    case 'retrying':
      return whyNoReport(invocation, fact);
    case 'notified':
      return whyNotOver(invocation);
    case 'redriven':
      return { kind: 'illegal-transition', what: `it was run again while it was ${invocation.value}` };
    default:
      return whyNoDelivery(invocation, fact);
  }
}

function whyNoAttempt({ value, context }: Invocation, fact: FactOf<'running'>): Refusal {
  if (context.outcome !== null) return { kind: 'after-the-end', what: `attempt ${fact.attempt} began after the end, in ${value}` };
  if (fact.attempt !== context.attempts + 1) {
    return { kind: 'misnumbered-attempt', what: `attempt ${context.attempts + 1} has the number ${fact.attempt}` };
  }
  if (fact.at < (context.dueAt ?? 0)) {
    return { kind: 'too-early', what: `attempt ${fact.attempt} began ${(context.dueAt ?? 0) - fact.at} ms before it was due` };
  }
  if (value === 'running') return { kind: 'illegal-transition', what: `attempt ${fact.attempt} began before the one before it ended` };
  return {
    kind: 'illegal-transition',
    what: `attempt ${fact.attempt} ${fact.terms === undefined ? 'brings no terms' : 'brings terms again'}`,
  };
}

function whyNoReport({ value, context }: Invocation, fact: FactOf<'succeeded' | 'failed' | 'retrying'>): Refusal {
  if (context.outcome !== null) {
    const what = `it ${fact.type} after it had ${context.outcome.type}`;
    return fact.type === 'retrying'
      ? { kind: 'after-the-end', what: 'it waits for a retry after the end' }
      : { kind: 'two-outcomes', what };
  }
  if (fact.attempt !== context.attempts) {
    return { kind: 'misnumbered-attempt', what: `${fact.type} speaks of attempt ${fact.attempt}; the current one is ${context.attempts}` };
  }
  if (fact.type === 'retrying' && value === 'running' && !acceptsRetry(context, fact.failure)) {
    return {
      kind: 'too-many-retries',
      what: `attempt ${fact.attempt} is to be retried; the terms allow ${context.terms?.maxRetries ?? 0}`,
    };
  }
  if (fact.type === 'retrying' && fact.dueAt < fact.at) return { kind: 'too-early', what: 'the retry is due before the failure' };
  return { kind: 'illegal-transition', what: `${fact.type} cannot follow ${value}` };
}

function whyNotOver({ value, context }: Invocation): Refusal {
  if (value === 'notified') return { kind: 'two-outcomes', what: 'it was notified twice' };
  if (context.outcome === null) return { kind: 'illegal-transition', what: `it was notified while it was ${value}` };
  return { kind: 'wrong-delivery', what: `it was notified while ${openDeliveries(context).map(({ id }) => id)} was not told` };
}

function whyNoDelivery({ value, context }: Invocation, fact: DeliveryFact): Refusal {
  if (context.outcome === null) return { kind: 'wrong-delivery', what: `${fact.type} of ${fact.destination} while it was ${value}` };
  if (!context.outcome.destinations?.some(({ id }) => id === fact.destination)) {
    return { kind: 'wrong-delivery', what: `${fact.destination} is none of those who are to be told` };
  }
  const delivery = deliveryOf(context, fact.destination);
  const dueAt = delivery?.context.dueAt ?? 0;
  if (fact.type === 'delivery.started' && fact.at < dueAt) {
    return { kind: 'too-early', what: `try ${fact.try} to tell ${fact.destination} began ${dueAt - fact.at} ms before it was due` };
  }
  const state = delivery?.value ?? 'pending';
  return {
    kind: 'wrong-delivery',
    what: `${fact.type} of try ${fact.try} cannot follow ${state} after ${delivery?.context.tries ?? 0} tries`,
  };
}
