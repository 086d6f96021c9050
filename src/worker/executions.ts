import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { functionUrn, type Tenancy } from '#src/core/names/tenancy.ts';
import type { AskedAttempt } from '#src/core/ports/execution-probe.ts';
import type { Execution, ExecutionResult, ExecutionSignal } from '#src/core/ports/function-host.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';
import { ExecutionAbort } from './execution-abort.ts';

/** The attempts of this worker. An attempt that the log calls `running` under this worker's name is one of them, or is lost. */
export interface Executions {
  /** Whether all executions were aborted because the worker stops. */
  readonly isAborted: boolean;
  /** Whether this worker holds the attempt. */
  isRunning(asked: AskedAttempt): boolean;
  /**
   * Holds an attempt until `perform` has ended, which appends `running`, executes, and appends the result. Between an append and its answer the
   * log names this worker while nothing executes. Another worker that asked then would append the attempt as lost (EXEC5).
   */
  hold<Result>(held: Required<AskedAttempt>, perform: () => Result | Promise<Result>): Promise<Result>;
  run(executed: Required<AskedAttempt>, execute: (signal: ExecutionSignal) => Promise<ExecutionResult>): Promise<ExecutionResult>;
  /** Aborts one execution, if it runs. Tells whether it did. */
  cancel(canceled: AskedAttempt): boolean;
  /** Aborts all executions. */
  abort(): void;
}

export function createExecutions(): Executions {
  const held = new Set<string>();
  const running = new PassingMap<string, ExecutionAbort>();
  let isAborted = false;
  const keyOf = ({ function: name, invocation, attempt }: AskedAttempt): string => `${name}/${invocation}#${attempt}`;

  /** Whether an attempt means this key. Without a function it means several, when functions share the id. */
  const isMeant = (key: string, { invocation, attempt }: AskedAttempt): boolean => key.endsWith(`/${invocation}#${attempt}`);

  function find(asked: AskedAttempt): ExecutionAbort[] {
    if (asked.function === undefined) return [...running].flatMap(([key, execution]) => (isMeant(key, asked) ? [execution] : []));
    const found = running.get(keyOf(asked));
    return found === undefined ? [] : [found];
  }

  return {
    get isAborted() {
      return isAborted;
    },
    isRunning: (asked) => (asked.function === undefined ? [...held].some((key) => isMeant(key, asked)) : held.has(keyOf(asked))),
    async hold(attempt, perform) {
      const key = keyOf(attempt);
      held.add(key);
      try {
        return await perform();
      } finally {
        held.delete(key);
      }
    },
    async run(executed, execute) {
      const execution = new ExecutionAbort();
      const key = keyOf(executed);
      running.set(key, execution);
      try {
        return await execute(execution);
      } finally {
        running.delete(key);
      }
    },
    cancel(canceled) {
      const found = find(canceled);
      // The execution of another function must go on.
      if (found.length !== 1) return false;
      found[0]?.abort();
      return true;
    },
    abort() {
      isAborted = true;
      for (const [, execution] of running) execution.abort();
    },
  };
}

/** The execution of one attempt of a request, by a version of its function. */
export function executionOf(
  { fact, payload }: AcceptedRequest,
  attempt: number,
  { tenancy, fn: { definition, version } }: { tenancy: Tenancy; fn: RegisteredFunction },
): Execution {
  const { invocation, qualifier, traceparent, synchronous } = fact;
  return {
    definition,
    version,
    requestId: invocation as RequestId,
    qualifier,
    functionUrn: functionUrn(tenancy, definition.name, version),
    attempt,
    payload,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(synchronous ? { measuresMemory: true } : {}),
  };
}
