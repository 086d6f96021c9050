import type { ExecutionSignal } from '#src/core/ports/function-host.ts';

/** Aborts one execution, at most once. */
export class ExecutionAbort implements ExecutionSignal {
  aborted = false;
  /** There is one at most in nearly every execution. */
  #listeners: readonly (() => void)[] = [];

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners = [...this.#listeners, listener];
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners = this.#listeners.filter((one) => one !== listener);
  }

  /** Calls the listeners in the order in which they were added. */
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    // A listener may remove a later one.
    for (const listener of this.#listeners) if (this.#listeners.includes(listener)) listener();
  }
}
