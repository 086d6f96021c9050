import type { Condition, Outcome } from '#machines/facts.ts';

/** Conditions of outcomes that the scheduler or a canceller appends. Neither holds a work item, which would return after its death. */
const conditions: ReadonlySet<Condition> = new Set(['EventAgeExceeded', 'FunctionNotFound', 'InvocationCanceled']);

/** Whether an outcome may have been appended without a work item. A worker that appends an outcome holds its item until the result is stored. */
export function mayHaveEndedWithoutItem(outcome: Outcome): boolean {
  return outcome.type === 'failed' && conditions.has(outcome.condition);
}
