import type { Condition, Fact, FactOf, Outcome, Terms } from './facts.ts';
import type { Invocation } from './invocation.ts';

/** The vendor's integer codes of the conditions that have one of their own. */
const codes: Partial<Record<Condition, number>> = { PayloadTooLarge: 4_140, FunctionNotFound: 150_424, InvocationCanceled: 4_208 };
const PLATFORM_CODE = 161_900;

/** The outcome of an invocation that no further attempt will be made for, by another cause than a failed attempt. */
export function failedFact(
  condition: Condition,
  { invocation, at, message }: { invocation: Invocation; at: number; message: string },
): FactOf<'failed'> {
  const { request, attempts, failure: last } = invocation.context;
  return {
    type: 'failed',
    invocation: request?.invocation ?? '',
    at,
    attempt: attempts,
    condition,
    failure: {
      kind: 'platform',
      errorType: condition,
      message: last === null ? message : `${message}; the last attempt failed: ${last.message}`,
      code: codes[condition] ?? PLATFORM_CODE,
    },
  };
}

/** The moment after which no further attempt may start. `maxAgeInMs` holds until the terms are fixed. */
export function expiresAt({ context }: Invocation, maxAgeInMs: number): number {
  return (context.request?.at ?? 0) + (context.terms?.maxAgeInMs ?? maxAgeInMs);
}

export function expiredFact(invocation: Invocation, at: number, maxAgeInMs: number): FactOf<'failed'> {
  const seconds = (invocation.context.terms?.maxAgeInMs ?? maxAgeInMs) / 1_000;
  return failedFact('EventAgeExceeded', {
    invocation,
    at,
    message: `no attempt could start within ${seconds} s after the request was accepted`,
  });
}

/** An outcome with those who are to be told about it. A loop that was cut tells nobody: that would go on with it. */
export function withDestinations<Fact extends Outcome>(outcome: Fact, terms: Terms | undefined): Fact {
  const destinations = outcome.type === 'succeeded' ? terms?.onSuccess : terms?.onFailure;
  const isCut = outcome.type === 'failed' && outcome.condition === 'LoopDetected';
  return destinations === undefined || destinations.length === 0 || isCut ? outcome : { ...outcome, destinations };
}

/** An outcome, addressed by the terms; one that nobody is to be told about is notified in the same breath. */
export function outcomeFacts(fact: FactOf<'retrying'> | Outcome, terms: Terms | undefined): readonly Fact[] {
  if (fact.type === 'retrying') return [fact];
  const outcome = withDestinations(fact, terms);
  if (outcome.destinations !== undefined) return [outcome];
  return [outcome, { type: 'notified', invocation: outcome.invocation, at: outcome.at }];
}
