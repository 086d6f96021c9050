import { type Fact, isOutcome } from '#machines/facts.ts';
import type { InvocationEffect } from '#machines/invocation.ts';
import type { ClaimedTries, LocalDeliverer } from '#src/core/stream/deliverer.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { Due } from './due.ts';
import type { WorkerPorts } from './ports.ts';

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

type Parts = { ports: Pick<WorkerPorts, 'deliverer' | 'hints' | 'clock'>; writer: StreamWriter; isClaimed: boolean };

/**
 * Passes the outcome to the first entry of a delivery that takes it (docs/architecture.md). An outcome without destinations is `notified`.
 * `isClaimed`: the first tries of all its deliveries were made with the outcome.
 */
export function deliverOutcome(
  { request: { fact }, invocation: { context } }: Due,
  { ports: { deliverer, hints, clock }, writer, isClaimed }: Parts,
): 'settled' | Promise<'settled'> {
  const { outcome } = context;
  const notified: Fact = { type: 'notified', invocation: fact.invocation, at: clock.now() };
  if ((outcome?.destinations ?? []).length === 0) return writer.propose(fact.invocation, [notified], outcome).then(() => 'settled');
  const { state } = writer;
  if (isClaimed || deliverer?.take(state)) return 'settled';
  hints.deliver(state.name, state.request.sequence, `${state.name.stream}.${state.version}`, state);
  return 'settled';
}
