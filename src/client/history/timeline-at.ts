import type { Invocation } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import { type AsOf, stateOf, upTo } from '#src/analysis/history.ts';
import type { Timeline } from './invocations.ts';

/** Returns a timeline and the machine's state at an earlier moment, or `undefined` if the invocation was not accepted by then. */
export function timelineUpTo(timeline: Timeline, asOf: AsOf): { timeline: Timeline; state: Invocation } | undefined {
  const { envelope, ...past } = upTo(timeline, asOf);
  if (past.transitions.length === 0) return undefined;
  const state = stateOf(past);
  const { attempts, outcome } = state.context;
  const pastEnvelope = outcome === null || envelope === undefined ? {} : { envelope };
  return { timeline: { ...past, state: state.value, status: statusOf(state), attempts, ...pastEnvelope }, state };
}
