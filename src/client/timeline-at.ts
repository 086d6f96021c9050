import type { Invocation } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import { type AsOf, stateOf, upTo } from '#src/analysis/history.ts';
import type { Timeline } from './invocations.ts';

/** A timeline as it was, and the state that the machine was in. `undefined` when the invocation was not accepted by then. */
export function timelineUpTo(timeline: Timeline, asOf: AsOf): { timeline: Timeline; state: Invocation } | undefined {
  const { envelope, ...past } = upTo(timeline, asOf);
  if (past.transitions.length === 0) return undefined;
  const state = stateOf(past);
  const { attempts, outcome } = state.context;
  const told = outcome === null || envelope === undefined ? {} : { envelope };
  return { timeline: { ...past, state: state.value, status: statusOf(state), attempts, ...told }, state };
}
