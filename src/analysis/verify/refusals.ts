import { deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import type { DeliveryFact, Fact, FactOf } from '#machines/facts.ts';
import { isOfLeader } from '#machines/group.ts';
import { type Invocation, mayStart } from '#machines/invocation.ts';
import { canTryAgain } from '#machines/retry.ts';
import type { FindingKind } from './findings.ts';

export type Refusal = { kind: FindingKind; what: string };

/** Finds the rule that a refused fact breaks. */
export function whyRefused(invocation: Invocation, fact: Fact): Refusal {
  switch (fact.type) {
    case 'queued':
      return { kind: 'duplicate-request', what: 'it was accepted before' };
    case 'deferred':
      return { kind: 'illegal-transition', what: `it was deferred while it was ${invocation.value}` };
    case 'debounce.closed':
    case 'debounce.joined':
      return refusedPart(invocation, fact);
    case 'batch.sealed':
      return { kind: 'illegal-transition', what: `it was sealed while it was ${invocation.value}` };
    case 'running':
      return refusedAttempt(invocation, fact);
    case 'succeeded':
    case 'failed':
    case 'retrying':
      return refusedResult(invocation, fact);
    case 'notified':
      return refusedNotification(invocation);
    case 'redriven':
      return { kind: 'illegal-transition', what: `it was redriven while it was ${invocation.value}` };
    default:
      return refusedDelivery(invocation, fact);
  }
}

function refusedPart({ value, context }: Invocation, fact: FactOf<'debounce.closed' | 'debounce.joined'>): Refusal {
  if (context.outcome !== null) return { kind: 'after-the-end', what: `${fact.type} followed the end, in ${value}` };
  if (fact.type === 'debounce.closed' && fact.at < fact.dueAt)
    return { kind: 'too-early', what: `its group was closed ${fact.dueAt - fact.at} ms before the debounce ended` };
  const known =
    context.group?.leader === undefined ? 'the leader of its group' : `a member of the group of ${context.group.leader.invocation}`;
  return {
    kind: 'illegal-transition',
    what: context.group === null ? `${fact.type} while it waited for no group` : `${fact.type}, but it was ${known}`,
  };
}

function refusedAttempt({ value, context }: Invocation, fact: FactOf<'running'>): Refusal {
  if (context.outcome !== null) return { kind: 'after-the-end', what: `attempt ${fact.attempt} started after the end, in ${value}` };
  if (fact.attempt !== context.attempts + 1) {
    return { kind: 'misnumbered-attempt', what: `attempt ${context.attempts + 1} has the number ${fact.attempt}` };
  }
  if (fact.at < (context.dueAt ?? 0)) {
    return { kind: 'too-early', what: `attempt ${fact.attempt} started ${(context.dueAt ?? 0) - fact.at} ms before it was due` };
  }
  if (!mayStart(context))
    return { kind: 'illegal-transition', what: `attempt ${fact.attempt} started, but it was not the leader of its group` };
  if (value === 'running') return { kind: 'illegal-transition', what: `attempt ${fact.attempt} started before the previous attempt ended` };
  return {
    kind: 'illegal-transition',
    what: `attempt ${fact.attempt} ${fact.terms === undefined ? 'records no terms' : 'records terms again'}`,
  };
}

function refusedResult({ value, context }: Invocation, fact: FactOf<'succeeded' | 'failed' | 'retrying'>): Refusal {
  if (context.outcome !== null) {
    const what = `it ${fact.type}, but it had ${context.outcome.type} before`;
    return fact.type === 'retrying'
      ? { kind: 'after-the-end', what: 'a retry was scheduled after the end' }
      : { kind: 'two-outcomes', what };
  }
  if (fact.attempt !== context.attempts) {
    return {
      kind: 'misnumbered-attempt',
      what: `${fact.type} is about attempt ${fact.attempt}, but the current attempt is ${context.attempts}`,
    };
  }
  if (fact.type !== 'retrying' && !isOfLeader(context, fact))
    return { kind: 'illegal-transition', what: `${fact.type} is not the outcome of the leader of its group` };
  if (fact.type === 'retrying' && value === 'running' && !canTryAgain(context, fact.failure)) {
    return {
      kind: 'too-many-retries',
      what: `a retry follows attempt ${fact.attempt}, but the terms allow ${context.terms?.maxRetries ?? 0} retries`,
    };
  }
  if (fact.type === 'retrying' && fact.dueAt < fact.at) return { kind: 'too-early', what: 'the retry is due before the failure' };
  return { kind: 'illegal-transition', what: `${fact.type} cannot follow ${value}` };
}

function refusedNotification({ value, context }: Invocation): Refusal {
  if (value === 'notified') return { kind: 'two-outcomes', what: 'it was notified twice' };
  if (context.outcome === null) return { kind: 'illegal-transition', what: `it was notified while it was ${value}` };
  return {
    kind: 'wrong-delivery',
    what: `it was notified before the deliveries to ${openDeliveries(context).map(({ id }) => id)} were settled`,
  };
}

function refusedDelivery({ value, context }: Invocation, fact: DeliveryFact): Refusal {
  if (context.outcome === null) return { kind: 'wrong-delivery', what: `${fact.type} of ${fact.destination} while it was ${value}` };
  if (!context.outcome.destinations?.some(({ id }) => id === fact.destination)) {
    return { kind: 'wrong-delivery', what: `the outcome names no destination ${fact.destination}` };
  }
  const delivery = deliveryOf(context, fact.destination);
  const dueAt = delivery?.context.dueAt ?? 0;
  if (fact.type === 'delivery.started' && fact.at < dueAt) {
    return {
      kind: 'too-early',
      what: `try ${fact.try} of the delivery to ${fact.destination} started ${dueAt - fact.at} ms before it was due`,
    };
  }
  if (fact.type === 'delivery.postponed' && fact.at < dueAt) {
    return { kind: 'too-early', what: `the delivery to ${fact.destination} was postponed ${dueAt - fact.at} ms before it was due` };
  }
  const state = delivery?.value ?? 'pending';
  return {
    kind: 'wrong-delivery',
    what: `${fact.type} of try ${fact.try} cannot follow ${state} after ${delivery?.context.tries ?? 0} tries`,
  };
}
