import type { Debounce } from '#src/core/functions/debounce.ts';

/** A group has so many requests at most. */
export const MAX_GROUP = 1_000;
/** The messages of the requests of a group have so many bytes at most, when all events run together. */
export const MAX_GROUP_BYTES = 524_288;

/** A request that waits for its group. */
export type Debounced = {
  invocation: string;
  /** The sequence of its message, and its index there. */
  request: number;
  index: number;
  /** When it was accepted, or due, by the log. */
  at: number;
  /** The size of its message. */
  bytes: number;
};

/** The order of a group: that of the times of the log, and of the log when they are equal. */
export function inGroupOrder<Request extends Debounced>(requests: Iterable<Request>): Request[] {
  return [...requests].sort((one, other) => one.at - other.at || one.request - other.request || one.index - other.index);
}

/**
 * The first group of requests in their order, and when it closes. Pure: it depends on the times of the log alone, so that two schedulers with
 * the same reading decide the same (DEB2).
 *
 * A group closes `wait` after its last request and `maxWait` after its first one, or with the request that makes it full.
 */
export function firstGroup<Request extends Debounced>(
  requests: readonly Request[],
  { keep, waitInMs, maxWaitInMs }: Debounce,
): { members: Request[]; closesAt: number } {
  const [first] = requests;
  if (first === undefined) return { members: [], closesAt: Number.POSITIVE_INFINITY };
  const members: Request[] = [];
  let closesAt = first.at + waitInMs;
  let bytes = 0;
  for (const one of requests) {
    const last = members.at(-1);
    const added = last?.request === one.request ? 0 : one.bytes;
    if (last !== undefined && one.at >= closesAt) break;
    if (last !== undefined && keep === 'all' && bytes + added > MAX_GROUP_BYTES) return { members, closesAt: last.at };
    bytes += added;
    members.push(one);
    if (members.length === MAX_GROUP) return { members, closesAt: one.at };
    closesAt = Math.min(one.at + waitInMs, first.at + maxWaitInMs);
  }
  return { members, closesAt };
}
