/** How long two equal requests are two calls: the vendor's SDK dates signatures in whole seconds. */
const SAME_SECOND_IN_MS = 1_000;
/** A date may be 15 minutes ahead, and is then acceptable for 30. */
const REMEMBERED_FOR_MS = 30 * 60_000 + SAME_SECOND_IN_MS;

export type Replay = 'new' | 'equal call' | 'replayed' | 'full';

/** Remembers the signatures that were accepted, for as long as their dates are acceptable. One gateway's; others have their own. */
export interface ReplayCache {
  see(signature: string, now: number): Replay;
}

/** When it is full it accepts nothing more, rather than forgetting what could then be sent again. */
export function createReplayCache(capacity = 2_000_000): ReplayCache {
  // 52 bits of a signature, as a number: a text of 64 characters takes three times the memory. In the order of arrival.
  const seen = new Map<number, number>();
  return {
    see(signature, now) {
      for (const [key, at] of seen) {
        if (now - at <= REMEMBERED_FOR_MS) break;
        seen.delete(key);
      }
      const key = Number.parseInt(signature.slice(0, 13), 16);
      const firstAt = seen.get(key);
      if (firstAt !== undefined) return now - firstAt <= SAME_SECOND_IN_MS ? 'equal call' : 'replayed';
      if (seen.size >= capacity) return 'full';
      seen.set(key, now);
      return 'new';
    },
  };
}
