import type { Fact } from '#machines/facts.ts';

/** The invocations of the chain of a root request, in the order of their hops. */
export function chainOf({ facts }: { facts: ReadonlyMap<string, readonly Fact[]> }, root: string): Extract<Fact, { type: 'queued' }>[] {
  return [...facts.values()]
    .flat()
    .filter((fact) => fact.type === 'queued')
    .filter(({ lineage, invocation }) => lineage?.root === root || invocation === root)
    .sort((one, other) => (one.lineage?.hop ?? 0) - (other.lineage?.hop ?? 0));
}
