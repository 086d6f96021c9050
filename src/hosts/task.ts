import type { Execution, ExecutionResult } from '#src/core/ports/function-host.ts';

/** An execution on its way through a pool. */
export type Task = {
  readonly execution: Execution;
  readonly queuedAt: number;
  /** How many processes ended by themselves, with nothing to blame, just before it was to start. */
  moves: number;
  isAborted: boolean;
  isSettled: boolean;
  settle(result: ExecutionResult): void;
};
