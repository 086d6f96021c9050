import type { Status, states } from '#src/core/history-questions.ts';

/** A status with one of its states. One index serves both columns. */
export type StatusAndState = { status: Status; state: (typeof states)[number] };

const statesOf: Readonly<Record<Status, readonly StatusAndState['state'][]>> = {
  WAIT: ['queued'],
  RUNNING: ['running', 'retrying'],
  SUCCESS: ['succeeded', 'notified'],
  FAIL: ['failed', 'notified'],
  DISCARD: ['failed', 'notified'],
};

/** Whether most invocations of the log have this pair. */
export const isCommon = ({ status, state }: StatusAndState): boolean => status === 'SUCCESS' && state === 'notified';

/** The pairs that a filter allows. */
export function statusAndStatesOf(filter: {
  state: readonly StatusAndState['state'][] | undefined;
  status: readonly Status[] | undefined;
}): StatusAndState[] {
  const pairs = Object.entries(statesOf).flatMap(([status, states]) =>
    states.map((state): StatusAndState => ({ status: status as Status, state })),
  );
  return pairs.filter(({ status, state }) => (filter.state?.includes(state) ?? true) && (filter.status?.includes(status) ?? true));
}
