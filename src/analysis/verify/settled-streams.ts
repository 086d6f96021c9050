import type { StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';

/** A stream after it left memory. */
export type StreamRecord = {
  version: number;
  /** The {@link headKey} of a stream with links; 0 without links. */
  head: number;
};

/**
 * Remembers all streams of a log in 30 to 60 bytes each: a hash table of numbers with open addressing.
 *
 * A stream is identified by 53 bits of a hash of its function and id (ID1). Among a million streams, the probability of any collision is 1 in 18,000.
 */
export interface SettledStreams {
  readonly size: number;
  get(name: StreamName): StreamRecord | undefined;
  set(name: StreamName, version: number, head?: number): void;
}

export function createSettledStreams(): SettledStreams {
  let capacity = 1_024;
  let size = 0;
  let keys = new Float64Array(capacity);
  let versions = new Float64Array(capacity);
  let heads = new Uint32Array(capacity);

  function slotOf(key: number): number {
    let slot = key % capacity;
    while (keys[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) % capacity;
    return slot;
  }

  function grow(): void {
    const old = { keys, versions, heads };
    capacity *= 2;
    keys = new Float64Array(capacity);
    versions = new Float64Array(capacity);
    heads = new Uint32Array(capacity);
    for (const [index, key] of old.keys.entries()) {
      if (key === 0) continue;
      const slot = slotOf(key);
      keys[slot] = key;
      versions[slot] = old.versions[index] as number;
      heads[slot] = old.heads[index] as number;
    }
  }

  return {
    get size() {
      return size;
    },
    get(name) {
      const slot = slotOf(hash53(streamKey(name)));
      if (keys[slot] === 0) return undefined;
      return { version: versions[slot] as number, head: heads[slot] as number };
    },
    set(name, version, head = 0) {
      if (size * 1.5 > capacity) grow();
      const key = hash53(streamKey(name));
      const slot = slotOf(key);
      if (keys[slot] === 0) size++;
      keys[slot] = key;
      versions[slot] = version;
      heads[slot] = head;
    },
  };
}

/** 32 bits of the head of a stream, never 0. */
export function headKey(head: string): number {
  return hash53(head) >>> 0 || 1;
}

/** cyrb53: 53 bits, never 0. */
function hash53(text: string): number {
  let [one, two] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    one = Math.imul(one ^ code, 2_654_435_761);
    two = Math.imul(two ^ code, 1_597_334_677);
  }
  one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(two ^ (two >>> 13), 3_266_489_909);
  two = Math.imul(two ^ (two >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & two) + (one >>> 0) || 1;
}
