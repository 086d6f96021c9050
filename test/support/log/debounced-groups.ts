import type { Fact, FactOf } from '#machines/facts.ts';

/** What a log says that cannot be of debounced requests: each is a member of one leader, names it, and ends as the leader does. */
export function findGroupProblems(facts: ReadonlyMap<string, readonly Fact[]>): string[] {
  const problems: string[] = [];
  const find = <Type extends Fact['type']>(id: string, type: Type): FactOf<Type> | undefined =>
    facts.get(id)?.find((fact): fact is FactOf<Type> => fact.type === type);
  for (const id of facts.keys()) {
    const joined = find(id, 'debounce.joined');
    if (joined === undefined) continue;
    const { leader, keep } = joined;
    const closed = find(leader.invocation, 'debounce.closed');
    if (!closed?.members.some(({ invocation }) => invocation === id))
      problems.push(`${id} joined ${leader.invocation}, which does not name it`);
    if (find(id, 'running') !== undefined) problems.push(`${id} ran, although it is a member`);
    const [own, led] = [id, leader.invocation].map((one) => find(one, 'succeeded') ?? find(one, 'failed'));
    if (keep === 'all' && own?.type !== led?.type) problems.push(`${id} ended as ${own?.type}, and its leader as ${led?.type}`);
    if (keep === 'last' && own?.type !== 'failed') problems.push(`${id} was superseded, and ended as ${own?.type}`);
  }
  return problems;
}
