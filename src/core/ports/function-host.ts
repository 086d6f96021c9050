import type { Failure, StoredOutput } from '#machines/facts.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { RequestId } from '#src/core/names/names.ts';
import type { LivePart, LiveQuestion } from '#src/core/output/live-output.ts';

/** The event of one request of a group. */
export type ExecutionEvent = { requestId: RequestId; payload: string };

/** One execution to perform. */
export type Execution = {
  definition: FunctionDefinition;
  /** The version that the definition belongs to. */
  version: string;
  requestId: RequestId;
  qualifier: string;
  functionUrn: string;
  attempt: number;
  /** The request payload: JSON text, at most 262,144 bytes. An empty one means the event `{}`. */
  payload: string;
  /** The requests of a group that run together, in their order: the event is the array of theirs (`events-host.ts`). */
  events?: readonly ExecutionEvent[];
  /** The ids of these requests, once the event is their array. */
  requestIds?: readonly RequestId[];
  traceparent?: string;
  /** Whether the result tells the memory of the function's process. */
  measuresMemory?: true;
};

/** The reference to a returned value that is too large for the log, and its size. The `payload` of the result is empty then. */
type StoredValue = { reference: string; bytes: number };

/** The output of a function that keeps more than the end of it. A cut one lacks its beginning. */
type WholeOutput = { text: string; isCut: boolean };

/** What a function printed: the end of it, at most 4,096 bytes; all of it, when the function keeps it; and the reference to that, once it is stored. */
type Printed = { output?: string; wholeOutput?: WholeOutput; storedOutput?: StoredOutput };

/** The end of an execution. `droppedBytes` is the size of a returned value that the host dropped, because the log would drop it (SRC9). */
export type ExecutionResult = Printed & { memoryUsedInMb?: number } & (
    | { kind: 'returned'; payload: string; stored?: StoredValue; droppedBytes?: number }
    | { kind: 'failed'; failure: Failure }
  );

/** The part of an `AbortSignal` that hosts use. A whole one for each execution is expensive (docs/performance.md H21). */
export interface ExecutionSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * Runs functions. Never rejects: a failure of user code is a value.
 *
 * The timeout of the definition counts from the start of the function. Each execution has its own `signal`. When it aborts, the execution
 * ends as failed, and a process host ends the process.
 */
export interface FunctionHost {
  execute(execution: Execution, signal: ExecutionSignal): Promise<ExecutionResult>;
  /** Prepares for executions of a function, for example starts a process. Optional. */
  warm?(definition: FunctionDefinition, version: string): void;
  /** What running attempts of a function printed that the reader does not have, without secrets. Optional. */
  live?(question: LiveQuestion): LivePart[];
  close(): Promise<void>;
}

/** A step around the executions of a host that need it. */
export interface HostLayer {
  /** By the definition, the payload and the events as they are outside of all layers. */
  needs(execution: Execution): boolean;
  /** `run` is the next layer, or the host. */
  execute(execution: Execution, signal: ExecutionSignal, run: FunctionHost['execute']): Promise<ExecutionResult>;
  warm?(definition: FunctionDefinition, version: string, warm: NonNullable<FunctionHost['warm']>): void;
  live?(question: LiveQuestion, live: NonNullable<FunctionHost['live']>): LivePart[];
}
