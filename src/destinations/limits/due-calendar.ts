/** How far ahead deliveries are spread: as long as the longest backoff. A larger backlog becomes due again at a higher rate. */
const MAX_SPREAD_IN_S = 300;

/** Spreads the times at which the postponed deliveries of one circuit are due again: so many in a second, each at its time or later. */
export class DueCalendar {
  /** The number of deliveries that are due in a second, by the seconds since the epoch. */
  readonly #due = new Map<number, number>();
  #overflow = 0;

  /** The first time from `wanted` on, in milliseconds since the epoch, at which fewer than `perSecond` deliveries are due. */
  reserve(wanted: number, { now, perSecond }: { now: number; perSecond: number }): number {
    this.#forgetBefore(Math.floor(now / 1_000));
    const second = this.#freeSecond(Math.floor(wanted / 1_000), perSecond);
    const count = this.#due.get(second) ?? 0;
    this.#due.set(second, count + 1);
    return Math.max(wanted, second * 1_000 + Math.floor((1_000 * (count % perSecond)) / perSecond));
  }

  #freeSecond(first: number, perSecond: number): number {
    for (let second = first; second < first + MAX_SPREAD_IN_S; second++) {
      if ((this.#due.get(second) ?? 0) < perSecond) return second;
    }
    return first + (this.#overflow++ % MAX_SPREAD_IN_S);
  }

  #forgetBefore(now: number): void {
    if (this.#due.size <= 3 * MAX_SPREAD_IN_S) return;
    for (const second of this.#due.keys()) if (second < now) this.#due.delete(second);
  }
}
