/**
 * Which parts of a delivery are done, for the deliveries of late: so that another try does not repeat them.
 *
 * Of this process only, and of the last `capacity` deliveries only.
 */
export class RecentDeliveries {
  readonly #done = new Map<string, Set<number>>();
  readonly #capacity: number;
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  isDone(deliveryId: string, part: number): boolean {
    return this.#done.get(deliveryId)?.has(part) ?? false;
  }

  markDone(deliveryId: string, part: number): void {
    const parts = this.#done.get(deliveryId) ?? new Set();
    parts.add(part);
    // The order of a Map is that of insertion: the first is the one that was not used for longest.
    this.#done.delete(deliveryId);
    this.#done.set(deliveryId, parts);
    const [oldest] = this.#done.keys();
    if (this.#done.size > this.#capacity && oldest !== undefined) this.#done.delete(oldest);
  }
}
