import type { Destination, Fact } from '#machines/facts.ts';

/** An upper bound of the encoded size of facts, in bytes. No character takes more than 6 bytes in JSON. */
export function maxEncodedBytes(facts: readonly Fact[]): number {
  let bytes = 0;
  for (const fact of facts) bytes += maxBytesOf(fact);
  return bytes;
}

function maxBytesOf(fact: Fact): number {
  const characters =
    ('payload' in fact ? fact.payload.length : 0) +
    ('output' in fact ? (fact.output?.length ?? 0) : 0) +
    ('destinations' in fact ? charactersOf(fact.destinations) : 0) +
    ('notSent' in fact ? charactersOf(fact.notSent) : 0) +
    ('terms' in fact ? charactersOf(fact.terms?.onSuccess) + charactersOf(fact.terms?.onFailure) : 0);
  return characters < 2_000 && hasNoOtherLongText(fact) ? 2_048 + 6 * characters : Buffer.byteLength(JSON.stringify(fact));
}

function charactersOf(destinations: readonly (Destination & { undecidable?: string | undefined })[] = []): number {
  return destinations.reduce(
    (sum, { id, destination, param, when = '', undecidable = '' }) =>
      sum + id.length + destination.length + param.length + when.length + undecidable.length + 80,
    0,
  );
}

/** Whether only the payload, the output, the terms and the destinations of a fact can be long. */
function hasNoOtherLongText(fact: Fact): boolean {
  return !('failure' in fact || 'reason' in fact);
}
