import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { type FunctionEntry, resolveFunction } from '#src/core/functions/entry.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { functionUrn, type Tenancy } from '#src/core/names/tenancy.ts';
import type { Execution, ExecutionEvent, ExecutionResult, ExecutionSignal } from '#src/core/ports/function-host.ts';
import type { AskedAttempt } from '#src/core/ports/questions/execution-probe.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';
import type { WorkerPorts } from '#src/worker/ports.ts';
import type { ExecutionSlots } from '#src/worker/slots/execution-slots.ts';
import type { StartStep } from './next-step.ts';

/** The attempts of this worker. An attempt that the log calls `running` under this worker's name is one of them, or is lost. */
export interface Executions {
  /** Whether all executions were aborted because the worker stops. */
  readonly isAborted: boolean;
  /** Whether this worker holds the attempt. */
  isRunning(asked: AskedAttempt): boolean;
  /**
   * Holds an attempt from before the append of `running` until its result is appended. Between an append and its answer the log names this
   * worker while nothing executes. Another worker that asked then would append the attempt as lost (EXEC5).
   */
  hold(attempt: Required<AskedAttempt>): HeldAttempt;
  /** Aborts one execution, if it runs. Tells whether it did. */
  cancel(canceled: AskedAttempt): boolean;
  /** Aborts all executions. */
  abort(): void;
}

/** An attempt that this worker says it runs. Without closures, because one exists per attempt: docs/performance.md V6. */
export class HeldAttempt {
  readonly invocation: string;
  readonly attempt: number;
  readonly #key: string;
  readonly #held: PassingMap<string, HeldAttempt>;
  #execution: ExecutionAbort | undefined;

  constructor({ invocation, attempt }: AskedAttempt, key: string, held: PassingMap<string, HeldAttempt>) {
    this.invocation = invocation;
    this.attempt = attempt;
    this.#key = key;
    this.#held = held;
    held.set(key, this);
  }

  /** The execution, while there is one. */
  get execution(): ExecutionAbort | undefined {
    return this.#execution;
  }

  /** The signal of the execution that starts now. */
  startExecution(): ExecutionSignal {
    this.#execution = new ExecutionAbort();
    return this.#execution;
  }

  endExecution(): void {
    this.#execution = undefined;
  }

  /** Does nothing when the attempt was released before. */
  release(): void {
    this.#held.delete(this.#key);
  }
}

export function createExecutions(): Executions {
  const held = new PassingMap<string, HeldAttempt>();
  let isAborted = false;
  const keyOf = ({ function: name, invocation, attempt }: AskedAttempt): string => `${name}/${invocation}#${attempt}`;

  /** The attempts that are meant. Without a function, they may be several, when functions share the id. */
  function find(asked: AskedAttempt): HeldAttempt[] {
    if (asked.function === undefined) {
      const end = `/${asked.invocation}#${asked.attempt}`;
      return [...held].flatMap(([key, attempt]) => (key.endsWith(end) ? [attempt] : []));
    }
    const found = held.get(keyOf(asked));
    return found === undefined ? [] : [found];
  }

  return {
    get isAborted() {
      return isAborted;
    },
    isRunning: (asked) => find(asked).length > 0,
    hold: (attempt) => new HeldAttempt(attempt, keyOf(attempt), held),
    cancel(canceled) {
      const found = find(canceled).flatMap(({ execution }) => execution ?? []);
      // The execution of another function must go on.
      if (found.length !== 1) return false;
      found[0]?.abort();
      return true;
    },
    abort() {
      isAborted = true;
      for (const attempt of held.values()) attempt.execution?.abort();
    },
  };
}

/** The execution of one attempt of a request, by a version of its function. */
function executionOf(
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

type ExecuteOptions = { ports: Pick<WorkerPorts, 'host' | 'tenancy'>; slots: ExecutionSlots; fn: () => FunctionEntry };

/** Executes an attempt whose `running` is durable, in a slot that the caller holds. */
export async function executeAttempt(
  { ports, slots, fn }: ExecuteOptions,
  held: HeldAttempt,
  { events, ...request }: AcceptedRequest & { events?: readonly ExecutionEvent[] | undefined },
  { fact: { attempt }, fn: decided }: StartStep,
): Promise<ExecutionResult> {
  const { invocation } = request.fact;
  // The definition may have changed while the append was in flight.
  const current = resolveFunction(fn(), decided.version, invocation) ?? decided;
  const single = executionOf(request, attempt, { tenancy: ports.tenancy, fn: current });
  const execution = events === undefined ? single : { ...single, events };
  slots.startExecution();
  try {
    return await ports.host.execute(execution, held.startExecution());
  } finally {
    held.endExecution();
    slots.endExecution();
  }
}

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
