import type { Invocation } from './invocation.ts';

/** FunctionGraph's five statuses. */
export type Status = 'WAIT' | 'RUNNING' | 'SUCCESS' | 'FAIL' | 'DISCARD';

/** FunctionGraph's status of an invocation. A `notified` invocation keeps the status of its outcome. */
export function statusOf({ value, context }: Invocation): Status {
  if (context.outcome !== null) {
    if (context.outcome.type === 'succeeded') return 'SUCCESS';
    const { condition, attempt } = context.outcome;
    const isSuperseded = condition === 'InvocationCanceled' && context.group?.leader !== undefined && context.group.keep === 'last';
    const isDiscarded = condition === 'EventAgeExceeded' || condition === 'LoopDetected' || isSuperseded;
    return isDiscarded && attempt === 0 ? 'DISCARD' : 'FAIL';
  }
  return value === 'running' || value === 'retrying' ? 'RUNNING' : 'WAIT';
}
