import { type Fact, isOutcome } from '#machines/facts.ts';
import type { InvocationEffect } from '#machines/invocation.ts';
import type { ClaimedTries, LocalDeliverer } from '#src/core/stream/deliverer.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';

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
