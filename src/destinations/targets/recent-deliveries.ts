/** Remembers the finished parts of the last `capacity` deliveries of this process, so that another try does not repeat them. */
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
    // A Map keeps the order of insertion, so its first key is the least recently used one.
    this.#done.delete(deliveryId);
    this.#done.set(deliveryId, parts);
    const [oldest] = this.#done.keys();
    if (this.#done.size > this.#capacity && oldest !== undefined) this.#done.delete(oldest);
  }
}
