import type { Execution, ExecutionResult } from '#src/core/ports/function-host.ts';

/** An execution in a pool of processes. */
export type Task = {
  readonly execution: Execution;
  readonly queuedAt: number;
  /** How many processes ended by themselves, without a cause, just before this execution would have started. */
  moves: number;
  isAborted: boolean;
  isSettled: boolean;
  settle(result: ExecutionResult): void;
};

/** Makes a task whose first settlement calls `onSettled`. Later settlements do nothing. */
export function createTask(execution: Execution, onSettled: (result: ExecutionResult) => void): Task {
  const task: Task = {
    execution,
    queuedAt: performance.now(),
    moves: 0,
    isAborted: false,
    isSettled: false,
    settle(result) {
      if (task.isSettled) return;
      task.isSettled = true;
      onSettled(result);
    },
  };
  return task;
}
