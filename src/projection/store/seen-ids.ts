/** Remembers ids in little memory. A few ids that were never added are reported as seen; the opposite never happens. */
export interface SeenIds {
  add(id: string): void;
  /** Returns false only for an id that was never added. */
  mayHave(id: string): boolean;
}

/** 16 MB, of which a page is allocated when it gets its first bit. With ten million ids, one in fifty unknown ids is reported as seen. */
const BITS = 2 ** 27;
const BITS_OF_PAGE = 2 ** 17;

/** A Bloom filter with three bits for each id. */
export function createSeenIds(): SeenIds {
  const pages: (Uint32Array | undefined)[] = new Array(BITS / BITS_OF_PAGE).fill(undefined);
  let first = 0;
  let second = 0;
  /** Most ids are ordered by time, so that a new one is greater than all before. */
  let greatest = '';
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
  const wordOf = (at: number): number => (at % BITS_OF_PAGE) >>> 5;
  const isSet = (at: number): boolean => {
    const page = pages[Math.floor(at / BITS_OF_PAGE)];
    return page !== undefined && ((page[wordOf(at)] ?? 0) & (1 << (at & 31))) !== 0;
  };
  const set = (at: number): void => {
    const index = Math.floor(at / BITS_OF_PAGE);
    const page = pages[index] ?? new Uint32Array(BITS_OF_PAGE / 32);
    pages[index] = page;
    page[wordOf(at)] = (page[wordOf(at)] ?? 0) | (1 << (at & 31));
  };
  return {
    add(id) {
      if (id > greatest) greatest = id;
      hash(id);
      for (let count = 0; count < 3; count++) set(bitOf(count));
    },
    mayHave(id) {
      if (id > greatest) return false;
      hash(id);
      return isSet(bitOf(0)) && isSet(bitOf(1)) && isSet(bitOf(2));
    },
  };
}
