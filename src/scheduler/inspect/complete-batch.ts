import type { Fact, FactOf, Terms } from '#machines/facts.ts';
import { withDestinations } from '#machines/outcome.ts';
import { decideWhenFor } from '#src/core/functions/when/decide-when.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { splitName } from '#src/core/names/names.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import type { MemberCounts, SchedulerOptions } from '#src/scheduler/ports.ts';

/** The pause before the members are counted again: a millisecond for each open member, within these bounds. */
const PAUSE_IN_MS = { min: 500, max: 10_000 };

export type Completion = { kind: 'open'; nextAt: number } | { kind: 'over'; facts: readonly Fact[] };

/**
 * Decides whether a sealed batch is over (FAN2). The members are counted at the seal or later, so every member that the sender was told of
 * is among them.
 */
export async function completionOf(
  { name, version }: StreamState,
  request: AcceptedRequest,
  { countMembers, clock }: Pick<SchedulerOptions, 'countMembers' | 'clock'>,
): Promise<Completion | undefined> {
  const { opens, invocation } = request.fact;
  if (countMembers === undefined || opens === undefined) return undefined;
  const counts = await countMembers(name.function, opens.batch, version);
  const at = clock.now();
  if (counts.open > 0) return { kind: 'open', nextAt: at + Math.min(Math.max(counts.open, PAUSE_IN_MS.min), PAUSE_IN_MS.max) };
  const counted: FactOf<'succeeded'> = {
    type: 'succeeded',
    invocation,
    at,
    attempt: 0,
    payload: JSON.stringify(payloadOf(opens.batch, name.function, counts)),
  };
  const outcome = withDestinations(counted, { onSuccess: opens.onComplete } as Terms, decideWhenFor(request));
  return { kind: 'over', facts: outcome.destinations === undefined ? [outcome, { type: 'notified', invocation, at }] : [outcome] };
}

/** What the destinations of a batch get as the response payload. `results` is a path of the HTTP API. */
function payloadOf(batch: string, fn: string, { members, byStatus, sequence }: MemberCounts): object {
  const { bare } = splitName(fn);
  const { SUCCESS = 0, FAIL = 0, DISCARD = 0 } = byStatus;
  const results = `/api/batches/${batch}/results?function=${bare}`;
  return { batch, function: bare, members, counts: { SUCCESS, FAIL, DISCARD }, results, sequence };
}
