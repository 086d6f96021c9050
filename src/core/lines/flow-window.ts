/** Bounds how many items, and how many bytes of them, are in flight. */
export class FlowWindow {
  readonly #maxItems: number;
  readonly #maxBytes: number;
  #items = 0;
  #bytes = 0;
  #onChange: (() => void) | undefined;

  constructor(bounds: { maxItems: number; maxBytes: number }) {
    this.#maxItems = bounds.maxItems;
    this.#maxBytes = bounds.maxBytes;
  }

  /** Resolves once the item fits. An item beyond all bytes fits when it is alone. Only one caller may wait at a time. */
  async enter(bytes: number): Promise<void> {
    while (this.#items >= this.#maxItems || (this.#items > 0 && this.#bytes + bytes > this.#maxBytes)) await this.#change();
    this.#items++;
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#items--;
    this.#bytes -= bytes;
    this.#onChange?.();
  }

  /** Resolves once nothing is in flight. */
  async drained(): Promise<void> {
    while (this.#items > 0) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }
}
