/** Remembers ids in little memory. A few ids that were never added are reported as seen; the opposite never happens. */
export interface SeenIds {
  add(id: string): void;
  /** Returns false only for an id that was never added. */
  mayHave(id: string): boolean;
}

/** 16 MB, allocated by the system on first use. With ten million ids, one in fifty unknown ids is reported as seen. */
const BITS = 2 ** 27;

/** A Bloom filter with three bits for each id. */
export function createSeenIds(): SeenIds {
  const bits = new Uint32Array(BITS / 32);
  let first = 0;
  let second = 0;
  const hash = (id: string): void => {
    first = 0x811c9dc5;
    second = 0x01234567;
    for (let index = 0; index < id.length; index++) {
      const code = id.charCodeAt(index);
      first = Math.imul(first ^ code, 0x01000193);
      second = Math.imul(second ^ code, 0x5bd1e995) ^ (second >>> 13);
    }
  };
  const bitOf = (count: number): number => ((first + Math.imul(count, second | 1)) >>> 0) % BITS;
  const isSet = (at: number): boolean => ((bits[at >>> 5] ?? 0) & (1 << (at & 31))) !== 0;
  return {
    add(id) {
      hash(id);
      for (let count = 0; count < 3; count++) {
        const at = bitOf(count);
        bits[at >>> 5] = (bits[at >>> 5] ?? 0) | (1 << (at & 31));
      }
    },
    mayHave(id) {
      hash(id);
      return isSet(bitOf(0)) && isSet(bitOf(1)) && isSet(bitOf(2));
    },
  };
}
