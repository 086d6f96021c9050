import type { Outcome } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { encodeEnvelope } from '#src/core/log/envelope.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { isSameOutcome } from '#src/core/stream/same-outcome.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { isOfAnotherItem } from './is-of-another-item.ts';
import type { WorkerPorts } from './ports.ts';

type Parts = {
  ports: Pick<WorkerPorts, 'results' | 'tenancy'>;
  state: StreamState;
  items: readonly WorkItem[];
  /** The outcome of each published result (PUB1), by invocation. */
  published: Map<string, Outcome>;
};

/** Publishes the result once, unless another run did or will. Resolves once the result is stored (EXEC4). */
export async function publishResult(
  { request, invocation }: { request: AcceptedRequest; invocation: Invocation },
  { ports: { results, tenancy }, state, items, published }: Parts,
): Promise<'settled'> {
  const { outcome } = invocation.context;
  const id = request.fact.invocation as RequestId;
  const { name, outcomesRead } = state;
  if (outcome === null || isSameOutcome(published.get(id) ?? null, outcome) || isOfAnotherItem(invocation, outcomesRead?.get(id), items))
    return 'settled';
  const isStored = outcomesRead?.has(id) && (await results.isStored(name, id, outcome));
  if (!isStored) await results.publish(name, id, outcome.type, encodeEnvelope(tenancy, request, invocation, results.maxBytes));
  published.set(id, outcome);
  return 'settled';
}
