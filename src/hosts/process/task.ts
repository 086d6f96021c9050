import type { Execution, ExecutionResult } from '#src/core/ports/function-host.ts';

/** An execution in a pool of processes. A class: docs/performance.md V4. */
export class Task {
  readonly execution: Execution;
  readonly queuedAt = performance.now();
  /** How many processes ended by themselves, without a cause, just before this execution would have started. */
  moves = 0;
  isAborted = false;
  isSettled = false;
  /** The listener of the signal of the execution. */
  onAbort: () => void = doNothing;
  readonly #onSettled: (result: ExecutionResult) => void;

  /** The first settlement calls `onSettled`. Later ones do nothing. */
  constructor(execution: Execution, onSettled: (result: ExecutionResult) => void) {
    this.execution = execution;
    this.#onSettled = onSettled;
  }

  settle(result: ExecutionResult): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#onSettled(result);
  }
}

function doNothing(): void {}
