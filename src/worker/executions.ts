import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';

/** The executions of this worker at this moment: what `running` in the log stands for. */
export interface Executions {
  readonly size: number;
  /** Whether all of them were given up because the worker stops. */
  readonly isAborted: boolean;
  isRunning(invocation: string, attempt: number): boolean;
  run(invocation: string, attempt: number, execute: (signal: AbortSignal) => Promise<ExecutionResult>): Promise<ExecutionResult>;
  /** Gives up one execution, if it runs. */
  cancel(invocation: string, attempt: number): void;
  /** Gives up all executions. */
  abort(): void;
}

export function createExecutions(): Executions {
  const running = new PassingMap<string, AbortController>();
  let isAborted = false;
  const key = (invocation: string, attempt: number): string => `${invocation}#${attempt}`;
  return {
    get size() {
      return running.size;
    },
    get isAborted() {
      return isAborted;
    },
    isRunning: (invocation, attempt) => running.has(key(invocation, attempt)),
    async run(invocation, attempt, execute) {
      const controller = new AbortController();
      const name = key(invocation, attempt);
      running.set(name, controller);
      try {
        return await execute(controller.signal);
      } finally {
        running.delete(name);
      }
    },
    cancel: (invocation, attempt) => running.get(key(invocation, attempt))?.abort(),
    abort() {
      isAborted = true;
      for (const [, controller] of running) controller.abort();
    },
  };
}
