import type { ExecutionSignal } from '#src/core/ports/function-host.ts';

type Waiting = { bytes: number; start: () => void };

/** A number of bytes that may be in memory at one moment. Whoever finds no place waits; the first comes first. */
export class ByteBudget {
  readonly #max: number;
  readonly #waiting: Waiting[] = [];
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Resolves to a function that gives the bytes back, or to `undefined` when the signal aborts before. More than the maximum is taken alone. */
  async take(bytes: number, signal: ExecutionSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined;
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      const isStarted = await this.#wait(bytes, signal);
      if (!isStarted) return undefined;
    } else this.#taken += bytes;
    return () => {
      this.#taken -= bytes;
      this.#startNext();
    };
  }

  #fits(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#max;
  }

  #wait(bytes: number, signal: ExecutionSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const entry: Waiting = {
        bytes,
        start: () => {
          signal.removeEventListener('abort', onAbort);
          resolve(true);
        },
      };
      const onAbort = (): void => {
        const at = this.#waiting.indexOf(entry);
        if (at >= 0) this.#waiting.splice(at, 1);
        resolve(false);
        this.#startNext();
      };
      signal.addEventListener('abort', onAbort);
      this.#waiting.push(entry);
    });
  }

  #startNext(): void {
    for (let [next] = this.#waiting; next !== undefined && this.#fits(next.bytes); [next] = this.#waiting) {
      this.#waiting.shift();
      this.#taken += next.bytes;
      next.start();
    }
  }
}
