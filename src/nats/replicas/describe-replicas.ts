import type { ReplicaComparison } from './compare-replicas.ts';

/** Each replica in words: its server, its number of messages, its first sequence and the hash of its samples. */
export function describeReplicas({ leader, replicas, upTo }: ReplicaComparison): string {
  const contents = replicas.map(
    ({ server, messages, first, hash }) =>
      `${server}${server === leader ? ' (leader)' : ''}: ${messages} messages from ${first}, sample ${hash}`,
  );
  return `${contents.join('; ')} (up to ${upTo})`;
}
