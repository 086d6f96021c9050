/** Remembers ids in little space: says for certain that one was never seen, and of a few others wrongly that it may have been. */
export interface SeenIds {
  add(id: string): void;
  /** False only when it was never added. */
  mayHave(id: string): boolean;
}

/** 16 MB, which are touched as they are needed: of ten million ids, one of fifty unknown ones is taken for known. */
const BITS = 2 ** 27;

/** A Bloom filter with three places for each id. */
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
  const place = (count: number): number => ((first + Math.imul(count, second | 1)) >>> 0) % BITS;
  const has = (at: number): boolean => ((bits[at >>> 5] ?? 0) & (1 << (at & 31))) !== 0;
  return {
    add(id) {
      hash(id);
      for (let count = 0; count < 3; count++) {
        const at = place(count);
        bits[at >>> 5] = (bits[at >>> 5] ?? 0) | (1 << (at & 31));
      }
    },
    mayHave(id) {
      hash(id);
      return has(place(0)) && has(place(1)) && has(place(2));
    },
  };
}
