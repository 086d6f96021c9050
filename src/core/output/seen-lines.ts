/** The texts of an attempt that are remembered to recognise them in its tail. A tail of 4 KB has at most as many lines of 20 characters. */
const MAX_REMEMBERED = 400;

/** The lines of one running attempt that a reader has seen, so that the lines of its end are not shown twice. */
export class SeenLines {
  /** The number of the next line. */
  next = 0;
  /** The last texts, without a gap. */
  #texts: string[] = [];
  #isFromStart = true;

  /** Adds new lines, and returns how many lines before them were left out. */
  add({ from, next, lines }: { from: number; next: number; lines: readonly string[] }): number {
    const leftOut = from - this.next;
    if (leftOut > 0) this.#texts = [];
    this.#isFromStart &&= leftOut === 0;
    this.#texts.push(...lines);
    if (this.#texts.length > MAX_REMEMBERED) {
      this.#texts = this.#texts.slice(-MAX_REMEMBERED);
      this.#isFromStart = false;
    }
    this.next = next;
    return leftOut;
  }

  /** How many lines at the beginning of the final output were seen. `isCut`: it lacks its first lines. */
  countIn(texts: readonly string[], { isCut }: { isCut: boolean }): number {
    const seen = this.#texts;
    if (this.#isFromStart && !isCut && this.#endsAt(texts, seen.length - 1)) return seen.length;
    // The last place fits best: lines that repeat are rather left out than shown twice.
    for (let last = Math.min(texts.length, this.next) - 1; last >= 0; last -= 1)
      if (seen.length > 0 && this.#endsAt(texts, last)) return last + 1;
    return 0;
  }

  /** Whether the last line that was seen can be the one with this index. The first line of a tail may be cut. */
  #endsAt(texts: readonly string[], last: number): boolean {
    const seen = this.#texts;
    for (let back = 0; back < seen.length && back <= last; back += 1) {
      const [text = '', known = ''] = [texts[last - back], seen.at(-1 - back)];
      if (text !== known && !(last - back === 0 && known.endsWith(text))) return false;
    }
    return true;
  }
}
