import type { Failure } from '#machines/facts.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { initializationFailed, outOfMemory, processEnded, unavailable } from '#src/hosts/failures.ts';
import type { ChildEnd } from './child-process.ts';

/** The failure of the execution in progress when its process ended by itself. */
export function failureOfExecution(end: ChildEnd, { memoryInMb }: FunctionDefinition): Failure {
  return isHeapExhausted(end) ? outOfMemory(memoryInMb) : processEnded(howItEnded(end));
}

/** The failure of the executions that waited for the start of a process that ended by itself. */
export function failureOfStart(end: ChildEnd, { memoryInMb }: FunctionDefinition): Failure {
  if (end.spawnError !== undefined) return unavailable(`no process could be started: ${end.spawnError.message}`);
  return isHeapExhausted(end) ? outOfMemory(memoryInMb) : initializationFailed(`the process ${howItEnded(end)}`);
}

/** V8 prints this message on standard error and aborts. */
function isHeapExhausted({ output }: ChildEnd): boolean {
  return output.includes('JavaScript heap out of memory');
}

function howItEnded({ code, signal }: ChildEnd): string {
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}
