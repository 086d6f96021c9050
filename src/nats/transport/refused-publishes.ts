import type { Refusal, Refusals } from './refusals.ts';

/** The publishes in flight, in the order of sending. */
export type InFlight = {
  pending: Iterable<readonly [number, { subject: string }]> & { readonly size: number };
  /** The key of the next publish. All publishes in flight have smaller keys. */
  nextKey: () => number;
  refuse: (key: number, why: string) => void;
};

/**
 * Finds the publishes that the server refused, and calls `refuse` for each. The returned function ends the search.
 *
 * A refusal names a subject, but no publish:
 * 1. After a refusal, a round trip is made. The server has then refused or accepted every earlier publish (R1).
 * 2. If a subject has as many refusals as publishes in flight, each of these publishes was refused.
 * 3. If a subject has fewer refusals, an operator changed the permissions in between. The accepted publishes are then not known, so none is
 *    refused here: the publisher reports those without an answer as `unknown` (A1).
 */
export function watchRefusedPublishes(refusals: Pick<Refusals, 'listen' | 'settle'>, { pending, nextKey, refuse }: InFlight): () => void {
  type Refused = { why: string; count: number };
  let refused = new Map<string, Refused>();
  let isSettling = false;

  async function settle(): Promise<void> {
    isSettling = true;
    try {
      while (refused.size > 0) {
        const end = nextKey();
        await refusals.settle();
        const settled = refused;
        refused = new Map();
        settleAll(settled, end);
      }
    } catch {
      // The connection was lost, so every publish in flight is unknown.
      refused.clear();
    } finally {
      isSettling = false;
    }
  }

  function settleAll(settled: ReadonlyMap<string, Refused>, end: number): void {
    for (const [subject, keys] of keysInFlight(pending, settled.keys())) {
      const { why, count } = settled.get(subject) as Refused;
      const sent = keys.filter((key) => key < end);
      if (count < sent.length) continue;
      for (const key of sent) refuse(key, why);
      // The surplus refusals may belong to publishes that were sent during the round trip.
      if (count > sent.length && keys.length > sent.length) refused.set(subject, { why, count: count - sent.length });
    }
  }

  return refusals.listen(({ operation, subject, message }: Refusal) => {
    if (operation !== 'publish' || pending.size === 0) return;
    const found = refused.get(subject);
    if (found === undefined) refused.set(subject, { why: message, count: 1 });
    else found.count++;
    if (!isSettling) void settle();
  });
}

function keysInFlight(pending: InFlight['pending'], subjects: Iterable<string>): Map<string, number[]> {
  const found = new Map<string, number[]>([...subjects].map((subject) => [subject, []]));
  for (const [key, { subject }] of pending) found.get(subject)?.push(key);
  return found;
}
