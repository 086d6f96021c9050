import { type Fact, isOutcome } from '#machines/facts.ts';
import type { InvocationEffect } from '#machines/invocation.ts';
import type { LocalDeliverer } from '#src/core/stream/deliverer.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';

/**
 * Appends the facts that follow an attempt. The first tries of an outcome's deliveries stand in the same append, as far as the deliverer of
 * this process claims them.
 *
 * Resolves to true when every destination was claimed: no other process needs to deliver the outcome.
 */
export async function appendOutcome(
  facts: readonly Fact[],
  { writer, deliverer }: { writer: StreamWriter; deliverer: LocalDeliverer | undefined },
): Promise<boolean> {
  const outcome = facts.find(isOutcome);
  const id = facts[0]?.invocation ?? '';
  const tries = outcome?.destinations === undefined ? undefined : deliverer?.claim(outcome, writer.state.name.function);
  if (tries === undefined) {
    await writer.propose(id, facts);
    return false;
  }
  let effects: readonly InvocationEffect[] | undefined;
  try {
    effects = await writer.propose(id, [...facts, ...tries.facts]);
  } finally {
    // The append was refused, or is unknown. The deliverer finds the tries that the log holds, and makes them again (D1).
    if (effects === undefined) tries.release();
  }
  if (effects === undefined) return false;
  tries.make(writer);
  return tries.facts.length === outcome?.destinations?.length;
}
