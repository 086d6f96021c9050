import type { Invocation } from './invocation.ts';

/** FunctionGraph's five statuses. */
export type Status = 'WAIT' | 'RUNNING' | 'SUCCESS' | 'FAIL' | 'DISCARD';

/** FunctionGraph's status of an invocation. A `notified` invocation keeps the status of its outcome. */
export function statusOf({ value, context }: Invocation): Status {
  if (context.outcome !== null) {
    if (context.outcome.type === 'succeeded') return 'SUCCESS';
    const { condition, attempt } = context.outcome;
    const isDiscarded = condition === 'EventAgeExceeded' || condition === 'LoopDetected';
    return isDiscarded && attempt === 0 ? 'DISCARD' : 'FAIL';
  }
  return value === 'running' || value === 'retrying' ? 'RUNNING' : 'WAIT';
}
