import type { Fact } from '#machines/facts.ts';
import type { InvocationRow } from '#src/gateway/api/schemas/invocations.ts';

/** Rows of the list, kept up to date from two sources of which either may be behind: the read model, and the live stream. */

/** What a transition makes of a row. The same row when it tells nothing new. */
export function withFact(row: InvocationRow, fact: Fact): InvocationRow {
  if (fact.type === 'notified') return row.state === 'notified' ? row : { ...row, state: 'notified', notified_at: fact.at };
  if (row.ended_at !== undefined || !('attempt' in fact) || fact.attempt < row.attempts) return row;
  const attempts = fact.attempt;
  switch (fact.type) {
    case 'running':
      return { ...row, state: 'running', status: 'RUNNING', attempts, started_at: row.started_at ?? fact.at };
    case 'retrying':
      return { ...row, state: 'retrying', status: 'RUNNING', attempts, error: fact.failure.message };
    case 'succeeded':
      return { ...row, state: 'succeeded', status: 'SUCCESS', attempts, ...ended(row, fact) };
    case 'failed': {
      const { condition, failure } = fact;
      const isDropped = attempts === 0 && (condition === 'EventAgeExceeded' || condition === 'LoopDetected');
      return {
        ...row,
        state: 'failed',
        status: isDropped ? 'DISCARD' : 'FAIL',
        condition,
        error: failure.message,
        attempts,
        ...ended(row, fact),
      };
    }
  }
}

function ended(row: InvocationRow, { at }: Fact): Pick<InvocationRow, 'ended_at' | 'duration_ms'> {
  return { ended_at: at, duration_ms: Math.max(0, at - row.accepted_at) };
}

/** The one of two tellings of the same invocation that is further on. */
function further(present: InvocationRow, told: InvocationRow): InvocationRow {
  return progressOf(told) >= progressOf(present) ? told : present;
}

function progressOf({ state, attempts, ended_at }: InvocationRow): number {
  if (state === 'notified') return Number.MAX_SAFE_INTEGER;
  if (ended_at !== undefined) return Number.MAX_SAFE_INTEGER - 1;
  return attempts * 3 + (state === 'retrying' ? 2 : state === 'running' ? 1 : 0);
}

/** The head of the list as the gateway tells it now, against what is shown: what changed, and what is new. */
export function reconcile(
  shown: readonly InvocationRow[],
  head: readonly InvocationRow[],
): { rows: InvocationRow[]; fresh: InvocationRow[]; hasGap: boolean } {
  const told = new Map(head.map((row) => [row.request_id, row]));
  const known = new Set(shown.map(({ request_id }) => request_id));
  const rows = shown.map((row) => {
    const found = told.get(row.request_id);
    return found === undefined ? row : further(row, found);
  });
  // What is older than the last row that is shown came into the filter later, or is on a page that was not asked for yet.
  const oldest = shown.at(-1)?.accepted_at ?? 0;
  const fresh = head.filter((row) => !known.has(row.request_id) && row.accepted_at >= oldest);
  return { rows, fresh, hasGap: shown.length > 0 && head.length > 0 && fresh.length === head.length };
}

/** New rows among those that are shown, the latest first. */
export function withFresh(shown: readonly InvocationRow[], fresh: readonly InvocationRow[]): InvocationRow[] {
  return [...fresh, ...shown].sort((one, other) => other.accepted_at - one.accepted_at);
}
