import type { Failure } from '#machines/facts.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { RequestId } from '#src/core/names/names.ts';

/** One execution to perform. */
export type Execution = {
  definition: FunctionDefinition;
  /** Which version of the function the definition is. */
  version: string;
  requestId: RequestId;
  qualifier: string;
  functionUrn: string;
  attempt: number;
  /** The request payload: JSON text, at most 262,144 bytes. An empty one means the event `{}`. */
  payload: string;
  traceparent?: string;
};

/** How it ended. `output` is the end of what the function printed, at most 4,096 bytes. */
export type ExecutionResult =
  | { kind: 'returned'; payload: string; output?: string }
  | { kind: 'failed'; failure: Failure; output?: string };

/**
 * Runs functions. Never rejects: whatever user code does is a value.
 *
 * The timeout of the definition holds from the moment the function starts. When `signal`, which is of this execution alone, aborts, it is
 * given up and reported as failed; a process host ends the process that ran it.
 */
export interface FunctionHost {
  execute(execution: Execution, signal: AbortSignal): Promise<ExecutionResult>;
  /** Prepares for a function, for example starts a process. Optional work: nothing breaks without it. */
  warm?(definition: FunctionDefinition, version: string): void;
  close(): Promise<void>;
}
