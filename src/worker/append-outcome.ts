import type { Fact, Outcome } from '#machines/facts.ts';
import type { InvocationEffect } from '#machines/invocation.ts';
import type { LocalDeliverer } from '#src/core/stream/deliverer.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';

/**
 * Appends what follows an attempt. An outcome and the first tries to tell it are one append, where somebody in this process can
 * make them. True when nobody else needs to tell anybody.
 */
export async function appendOutcome(
  facts: readonly Fact[],
  { writer, deliverer }: { writer: StreamWriter; deliverer: LocalDeliverer | undefined },
) {
  const outcome = facts.find(isOutcome);
  const id = facts[0]?.invocation ?? '';
  const tries = outcome?.destinations === undefined ? undefined : deliverer?.claim(outcome);
  if (tries === undefined) {
    await writer.propose(id, facts);
    return false;
  }
  let effects: readonly InvocationEffect[] | undefined;
  try {
    effects = await writer.propose(id, [...facts, ...tries.facts]);
  } finally {
    // Refused, or unknown: what the log may hold of them is seen there, and made by somebody else (D1).
    if (!effects?.includes('deliver')) tries.release();
  }
  if (!effects?.includes('deliver')) return false;
  tries.make(writer);
  return tries.facts.length === outcome?.destinations?.length;
}

function isOutcome(fact: Fact): fact is Outcome {
  return fact.type === 'succeeded' || fact.type === 'failed';
}
