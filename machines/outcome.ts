import type { Condition, Destination, Fact, FactOf, Outcome, Terms } from './facts.ts';
import type { Invocation } from './invocation.ts';

/** FunctionGraph's codes of the conditions that have a code of their own. */
const codes: Partial<Record<Condition, number>> = { PayloadTooLarge: 4_140, FunctionNotFound: 150_424, InvocationCanceled: 4_208 };
const PLATFORM_CODE = 161_900;

/** The outcome of an invocation that ends for another reason than a failed attempt. */
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

/** The moment from which the first attempt may start: the due time of a delayed request, else the acceptance. The age counts from here. */
export function firstDueAt({ at, dueAt = at }: Pick<FactOf<'queued'>, 'at' | 'dueAt'>): number {
  return dueAt;
}

/** Whether the first attempt is not due yet. */
export function isDelayed({ value, context: { dueAt } }: Invocation, now: number): boolean {
  return value === 'queued' && now < (dueAt ?? 0);
}

/** The moment after which no further attempt may start. `maxAgeInMs` applies while no terms are fixed. */
export function expiresAt({ context: { request, terms } }: Invocation, maxAgeInMs: number): number {
  return (request === null ? 0 : firstDueAt(request)) + (terms?.maxAgeInMs ?? maxAgeInMs);
}

/** The outcome of an invocation that is older than its function allows. `maxAgeInMs` as in `expiresAt`. */
export function expiredFact(invocation: Invocation, at: number, maxAgeInMs: number): FactOf<'failed'> {
  const { request, terms } = invocation.context;
  const seconds = (terms?.maxAgeInMs ?? maxAgeInMs) / 1_000;
  const start = request?.dueAt === undefined ? 'accepted' : 'due';
  return failedFact('EventAgeExceeded', {
    invocation,
    at,
    message: `no attempt could start within ${seconds} s after the request was ${start}`,
  });
}

/** Decides whether the `when` of a destination holds for an outcome. Pure. `undecidable`: why that cannot be decided. */
export type DecideWhen = (when: string, outcome: Outcome) => { holds: boolean; undecidable?: string };

/**
 * An outcome with its destinations, from the terms. The outcome of a loop that was cut has none, because a delivery would continue the loop
 * (L1). `decide` chooses among the destinations that have a `when`, and the outcome records the others (WHEN1).
 */
export function withDestinations<Fact extends Outcome>(outcome: Fact, terms: Terms | undefined, decide: DecideWhen): Fact {
  const configured = (outcome.type === 'succeeded' ? terms?.onSuccess : terms?.onFailure) ?? [];
  const isCutLoop = outcome.type === 'failed' && outcome.condition === 'LoopDetected';
  if (configured.length === 0 || isCutLoop) return outcome;
  if (configured.every(({ when }) => when === undefined)) return { ...outcome, destinations: configured };
  const { destinations, notSent } = chosen(configured, (when) => decide(when, outcome));
  return {
    ...outcome,
    ...(destinations.length === 0 ? {} : { destinations }),
    ...(notSent.length === 0 ? {} : { notSent }),
  };
}

function chosen(
  configured: readonly Destination[],
  decide: (when: string) => ReturnType<DecideWhen>,
): { destinations: Destination[]; notSent: NonNullable<Outcome['notSent']> } {
  const destinations: Destination[] = [];
  const notSent: NonNullable<Outcome['notSent']> = [];
  for (const one of configured) {
    const { when } = one;
    const { holds, undecidable } = when === undefined ? { holds: true } : decide(when);
    if (holds || when === undefined) destinations.push(one);
    else notSent.push({ ...one, when, ...(undecidable === undefined ? {} : { undecidable }) });
  }
  return { destinations, notSent };
}

/** The facts of one append for the end of an attempt: an outcome without destinations is `notified` in the same append. */
export function outcomeFacts(fact: FactOf<'retrying'> | Outcome, terms: Terms | undefined, decide: DecideWhen): readonly Fact[] {
  if (fact.type === 'retrying') return [fact];
  const outcome = withDestinations(fact, terms, decide);
  if (outcome.destinations !== undefined) return [outcome];
  return [outcome, { type: 'notified', invocation: outcome.invocation, at: outcome.at }];
}

/** Whether two outcomes of one invocation are the same fact. After a power cut the log may hold another outcome than the one that was read. */
export function isSameOutcome(one: Outcome | null, other: Outcome | null): boolean {
  return one === other || (one?.type === other?.type && one?.at === other?.at && one?.attempt === other?.attempt);
}
