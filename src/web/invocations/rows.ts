import type { Fact, FactOf } from '#machines/facts.ts';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';

/** Updates the rows of the list from two sources: the read model and the live stream. Either may be behind the other. */

/** A fact and the function of its invocation. */
export type OwnedFact = { fact: Fact; function: string };

/** What identifies a row: several functions may have an invocation of one id. */
export function keyOf({ request_id, function: owner }: Pick<InvocationRow, 'request_id' | 'function'>): string {
  return `${request_id} ${owner}`;
}

/** Applies facts to the rows of their invocations. */
export function applyFacts(rows: readonly InvocationRow[], facts: readonly OwnedFact[]): readonly InvocationRow[] {
  const byKey = new Map<string, Fact[]>();
  for (const { fact, function: owner } of facts) {
    const key = keyOf({ request_id: fact.invocation, function: owner });
    const others = byKey.get(key);
    if (others === undefined) byKey.set(key, [fact]);
    else others.push(fact);
  }
  return rows.map((row) => (byKey.get(keyOf(row)) ?? []).reduce(applyFact, row));
}

/** Applies a fact to a row. Returns the same row when the row already includes the fact. */
function applyFact(row: InvocationRow, fact: Fact): InvocationRow {
  if (fact.type === 'notified') return row.state === 'notified' ? row : { ...row, state: 'notified', notified_at: fact.at };
  if (row.ended_at !== undefined || !('attempt' in fact) || fact.attempt < row.attempts) return row;
  const attempts = fact.attempt;
  switch (fact.type) {
    case 'running':
      return {
        ...withoutDue(row),
        state: 'running',
        status: 'RUNNING',
        attempts,
        started_at: row.started_at ?? fact.at,
        ...versionIn(fact),
      };
    case 'retrying':
      return { ...row, state: 'retrying', status: 'RUNNING', attempts, next_due_at: fact.dueAt, error: fact.failure.message };
    case 'succeeded':
      return { ...withoutDue(row), state: 'succeeded', status: 'SUCCESS', attempts, ...ended(row, fact) };
    case 'failed': {
      const { condition, failure } = fact;
      const isDiscarded = attempts === 0 && (condition === 'EventAgeExceeded' || condition === 'LoopDetected');
      return {
        ...withoutDue(row),
        state: 'failed',
        status: isDiscarded ? 'DISCARD' : 'FAIL',
        condition,
        error: failure.message,
        attempts,
        ...ended(row, fact),
      };
    }
  }
}

function withoutDue({ next_due_at: _, ...row }: InvocationRow): InvocationRow {
  return row;
}

/** The terms of the first attempt name the version. */
function versionIn({ terms }: FactOf<'running'>): Pick<InvocationRow, 'version'> {
  return terms === undefined ? {} : { version: terms.version ?? 'latest' };
}

function ended(row: InvocationRow, { at }: Fact): Pick<InvocationRow, 'ended_at' | 'duration_ms'> {
  return { ended_at: at, duration_ms: Math.max(0, at - (row.first_due_at ?? row.accepted_at)) };
}

/** The later of two versions of the same row. */
function laterOf(shown: InvocationRow, received: InvocationRow): InvocationRow {
  return progressOf(received) >= progressOf(shown) ? received : shown;
}

function progressOf({ state, attempts, ended_at }: InvocationRow): number {
  if (state === 'notified') return Number.MAX_SAFE_INTEGER;
  if (ended_at !== undefined) return Number.MAX_SAFE_INTEGER - 1;
  return attempts * 3 + (state === 'retrying' ? 2 : state === 'running' ? 1 : 0);
}

/**
 * Merges the first page of the list into the rows that are shown. `fresh` are the rows to offer as new. `hasGap` means that the page
 * and the shown rows have no row in common, so rows between them may be missing.
 */
export function reconcile(
  shown: readonly InvocationRow[],
  head: readonly InvocationRow[],
): { rows: InvocationRow[]; fresh: InvocationRow[]; hasGap: boolean } {
  const received = new Map(head.map((row) => [keyOf(row), row]));
  const shownKeys = new Set(shown.map(keyOf));
  const rows = shown.map((row) => {
    const found = received.get(keyOf(row));
    return found === undefined ? row : laterOf(row, found);
  });
  // An older row than the last one shown is not new: it came to match the filter later, or is on a page that is not loaded yet.
  const oldest = shown.at(-1)?.accepted_at ?? 0;
  const fresh = head.filter((row) => !shownKeys.has(keyOf(row)) && row.accepted_at >= oldest);
  return { rows, fresh, hasGap: shown.length > 0 && head.length > 0 && fresh.length === head.length };
}

/** Inserts new rows, the latest first. */
export function insertFresh(shown: readonly InvocationRow[], fresh: readonly InvocationRow[]): InvocationRow[] {
  return [...fresh, ...shown].sort((one, other) => other.accepted_at - one.accepted_at);
}

/** Appends the next page. A row that is shown already is left out, because rows shift between pages while new ones arrive. */
export function appendPage(shown: readonly InvocationRow[], page: readonly InvocationRow[]): InvocationRow[] {
  const shownKeys = new Set(shown.map(keyOf));
  return [...shown, ...page.filter((row) => !shownKeys.has(keyOf(row)))];
}
