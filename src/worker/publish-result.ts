import type { Outcome } from '#machines/facts.ts';
import { encodeEnvelope } from '#src/core/log/envelope.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { isSameOutcome } from '#src/core/stream/same-outcome.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import type { Due } from './due.ts';
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
export function publishResult(due: Due, { ports, state, items, published }: Parts): 'settled' | Promise<'settled'> {
  const { request, invocation } = due;
  const { outcome } = invocation.context;
  const id = request.fact.invocation as RequestId;
  const { outcomesRead } = state;
  if (outcome === null || isSameOutcome(published.get(id) ?? null, outcome) || isOfAnotherItem(invocation, outcomesRead?.get(id), items))
    return 'settled';
  const stored = outcomesRead?.has(id) ? publishUnlessStored(due, outcome, { ports, state }) : publish(due, outcome, { ports, state });
  return stored.then(() => {
    published.set(id, outcome);
    return 'settled';
  });
}

async function publishUnlessStored(due: Due, outcome: Outcome, { ports, state }: Pick<Parts, 'ports' | 'state'>): Promise<void> {
  const isStored = await ports.results.isStored(state.name, due.request.fact.invocation as RequestId, outcome);
  if (!isStored) await publish(due, outcome, { ports, state });
}

function publish({ request, invocation }: Due, { type }: Outcome, { ports, state }: Pick<Parts, 'ports' | 'state'>): Promise<void> {
  const { results, tenancy } = ports;
  const envelope = encodeEnvelope(tenancy, request, invocation, results.maxBytes);
  return results.publish(state.name, request.fact.invocation as RequestId, type, envelope);
}
