import type { Condition, Outcome } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';

/** Conditions of outcomes that the scheduler or a canceller appends. Neither holds a work item, which would return after its death. */
const conditions: ReadonlySet<Condition> = new Set(['EventAgeExceeded', 'FunctionNotFound', 'InvocationCanceled']);

/** Whether an outcome may have been appended without a work item. A worker that appends an outcome holds its item until the result is stored. */
export function mayHaveEndedWithoutItem(outcome: Outcome): boolean {
  return outcome.type === 'failed' && conditions.has(outcome.condition);
}

/**
 * Whether the result of an outcome with destinations may be missing.
 *
 * The process that ended an invocation without a work item publishes the result, or hints at it, before a delivery starts. That process may
 * have died, and its hint may be lost.
 */
export function mayBeUnpublished({ context: { outcome, deliveries } }: Pick<Invocation, 'context'>): boolean {
  return outcome !== null && mayHaveEndedWithoutItem(outcome) && Object.keys(deliveries).length === 0;
}
