import { type Fact, isOutcome, type Outcome } from '#machines/facts.ts';
import type { Invocation, InvocationEffect } from '#machines/invocation.ts';
import { isSameOutcome } from '#machines/outcome.ts';
import { publishResultOf, publishUnlessStored } from '#src/core/log/envelope.ts';
import type { StreamVersion } from '#src/core/log/event-log.ts';
import type { RequestId } from '#src/core/names/names.ts';
import type { ClaimedTries, LocalDeliverer } from '#src/core/stream/deliverer.ts';
import { mayHaveEndedWithoutItem } from '#src/core/stream/ended-without-item.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import type { WorkerPorts } from '#src/worker/ports.ts';
import type { Due } from './due.ts';

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
  const result = { name: state.name, request, invocation, outcome };
  const stored = outcomesRead?.has(id) ? publishUnlessStored(result, ports) : publishResultOf(result, ports);
  return stored.then(() => {
    published.set(id, outcome);
    return 'settled';
  });
}

/**
 * Whether another item than those of a run brought an outcome, and is acknowledged or returns (PUB2): the outcome is older than all items of
 * the run. `readAt` is the version that brought the outcome, if the run read it from the log.
 */
function isOfAnotherItem(
  { value, context: { outcome } }: Invocation,
  readAt: StreamVersion | undefined,
  items: readonly WorkItem[],
): boolean {
  if (readAt === undefined || outcome === null) return false;
  if (value !== 'notified' && mayHaveEndedWithoutItem(outcome)) return false;
  return items.every(({ sequence }) => sequence > readAt);
}

/**
 * The first tries of the deliveries of an outcome that the deliverer of this process claims. They stand in the append of the outcome.
 * `undefined` when the facts hold no outcome with destinations, or no try is claimed.
 */
export function claimFirstTries(
  facts: readonly Fact[],
  { writer, deliverer }: { writer: StreamWriter; deliverer: LocalDeliverer | undefined },
): ClaimedTries | undefined {
  const outcome = facts.find(isOutcome);
  return outcome?.destinations === undefined ? undefined : deliverer?.claim(outcome, writer.state.name.function);
}

/**
 * Appends the facts that follow an attempt, and the claimed tries with them, and then makes these tries.
 *
 * Resolves to true when every destination was claimed: no other process needs to deliver the outcome.
 */
export async function appendWithTries(facts: readonly Fact[], tries: ClaimedTries, writer: StreamWriter): Promise<boolean> {
  let effects: readonly InvocationEffect[] | undefined;
  try {
    effects = await writer.propose(facts[0]?.invocation ?? '', [...facts, ...tries.facts]);
  } finally {
    // The append was refused, or is unknown. The deliverer finds the tries that the log holds, and makes them again (D1).
    if (effects === undefined) tries.release();
  }
  if (effects === undefined) return false;
  tries.make(writer);
  return tries.facts.length === facts.find(isOutcome)?.destinations?.length;
}

type DeliverParts = { ports: Pick<WorkerPorts, 'deliverer' | 'hints' | 'clock'>; writer: StreamWriter; isClaimed: boolean };

/**
 * Passes the outcome to the first entry of a delivery that takes it (docs/architecture.md). An outcome without destinations is `notified`.
 * `isClaimed`: the first tries of all its deliveries were made with the outcome.
 */
export function deliverOutcome(
  { request: { fact }, invocation: { context } }: Due,
  { ports: { deliverer, hints, clock }, writer, isClaimed }: DeliverParts,
): 'settled' | Promise<'settled'> {
  const { outcome } = context;
  const notified: Fact = { type: 'notified', invocation: fact.invocation, at: clock.now() };
  if ((outcome?.destinations ?? []).length === 0) return writer.propose(fact.invocation, [notified], outcome).then(() => 'settled');
  const { state } = writer;
  if (isClaimed || deliverer?.take(state)) return 'settled';
  hints.deliver(state.name, state.request.sequence, `${state.name.stream}.${state.version}`, state);
  return 'settled';
}
