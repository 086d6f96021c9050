import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { functionUrn, type Tenancy } from '#src/core/names/tenancy.ts';
import type { Execution, ExecutionResult } from '#src/core/ports/function-host.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';

/** The executions that run in this worker now. An attempt that the log calls `running` under this worker's name is one of them, or is lost. */
export interface Executions {
  readonly size: number;
  /** Whether all executions were aborted because the worker stops. */
  readonly isAborted: boolean;
  isRunning(invocation: string, attempt: number): boolean;
  run(invocation: string, attempt: number, execute: (signal: AbortSignal) => Promise<ExecutionResult>): Promise<ExecutionResult>;
  /** Aborts one execution, if it runs. */
  cancel(invocation: string, attempt: number): void;
  /** Aborts all executions. */
  abort(): void;
}

export function createExecutions(): Executions {
  const running = new PassingMap<string, AbortController>();
  let isAborted = false;
  const keyOf = (invocation: string, attempt: number): string => `${invocation}#${attempt}`;
  return {
    get size() {
      return running.size;
    },
    get isAborted() {
      return isAborted;
    },
    isRunning: (invocation, attempt) => running.has(keyOf(invocation, attempt)),
    async run(invocation, attempt, execute) {
      const controller = new AbortController();
      const key = keyOf(invocation, attempt);
      running.set(key, controller);
      try {
        return await execute(controller.signal);
      } finally {
        running.delete(key);
      }
    },
    cancel: (invocation, attempt) => running.get(keyOf(invocation, attempt))?.abort(),
    abort() {
      isAborted = true;
      for (const [, controller] of running) controller.abort();
    },
  };
}

/** The execution of one attempt of a request, by a version of its function. */
export function executionOf(
  { fact, payload }: AcceptedRequest,
  attempt: number,
  { tenancy, fn: { definition, version } }: { tenancy: Tenancy; fn: RegisteredFunction },
): Execution {
  const { invocation, qualifier, traceparent } = fact;
  return {
    definition,
    version,
    requestId: invocation as RequestId,
    qualifier,
    functionUrn: functionUrn(tenancy, definition.name, version),
    attempt,
    payload,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}
