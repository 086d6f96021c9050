import type { Refusal, Refusals } from './refusals.ts';

/** The publishes that are in flight, in the order in which they were sent. */
export type InFlight = {
  pending: Iterable<readonly [number, { subject: string }]> & { readonly size: number };
  /** The key of the next publish: those in flight have smaller ones. */
  nextKey: () => number;
  refuse: (key: number, why: string) => void;
};

/**
 * Finds out which publishes the server refused; returns what ends that.
 *
 * A refusal names a subject and no publish. So a round trip is made: all that was sent before has been refused by then, or taken. Only
 * where the refusals are as many as the publishes in flight on that subject, each of those was certainly refused. They are fewer when
 * somebody changes the permissions at that moment: which ones were taken is unknown then, and the publisher finds no answer in time (A1).
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
      // The connection is lost, and with it everything in flight.
      refused.clear();
    } finally {
      isSettling = false;
    }
  }

  function settleAll(settled: ReadonlyMap<string, Refused>, end: number): void {
    for (const [subject, keys] of keysInFlight(pending, settled.keys())) {
      const { why = '', count = 0 } = settled.get(subject) ?? {};
      const sent = keys.filter((key) => key < end);
      if (count >= sent.length) for (const key of sent) refuse(key, why);
      // The other refusals may be those of publishes that were sent during the round trip.
      if (count > sent.length && keys.length > sent.length) refused.set(subject, { why, count: count - sent.length });
    }
  }

  return refusals.listen(({ operation, subject, message }: Refusal) => {
    if (operation !== 'publish' || pending.size === 0) return;
    const known = refused.get(subject);
    if (known === undefined) refused.set(subject, { why: message, count: 1 });
    else known.count++;
    if (!isSettling) void settle();
  });
}

function keysInFlight(pending: InFlight['pending'], subjects: Iterable<string>): Map<string, number[]> {
  const found = new Map<string, number[]>([...subjects].map((subject) => [subject, []]));
  for (const [key, { subject }] of pending) found.get(subject)?.push(key);
  return found;
}
