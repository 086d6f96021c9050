import { firstDueAt } from '#machines/outcome.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import type { Waiter } from '#src/core/flow/ledger-entry.ts';
import { type Flow, limitsOf, type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { flowKeyOf } from '#src/core/functions/flow-key.ts';
import { agingOf, rankOf } from '#src/core/functions/priority.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { StreamState } from '#src/core/stream/stream.ts';

/** The slot that an attempt needs, which all workers share. */
export type LedgerSlot = { pool: PoolId; waiter: Waiter };

type AttemptWithFlow = { request: AcceptedRequest; attempt: number; flow: Flow; payloads: PayloadSealer | undefined };

export function ledgerSlotOf(
  { request, attempt, flow, payloads }: AttemptWithFlow,
  stream: Pick<StreamState, 'name' | 'request'>,
): LedgerSlot {
  const { function: name } = stream.name;
  const key = flowKeyOf(request, flow, payloads);
  const named = { key, function: name, invocation: request.fact.invocation, attempt, request: stream.request.sequence };
  const aging = agingOf(flow);
  const rank = aging === undefined ? {} : { rank: rankOf(firstDueAt(request.fact), request.fact.priority, aging) };
  return { pool: poolOf(name, flow), waiter: { ...named, ...limitsOf(flow), ...rank } };
}
