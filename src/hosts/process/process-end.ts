import type { Failure } from '#machines/facts.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { initializationFailed, outOfMemory, processEnded, unavailable } from '#src/hosts/failures.ts';
import type { HostRuntime } from '#src/hosts/runtimes/host-runtime.ts';
import type { ChildEnd } from './child-process.ts';

type Facts = { definition: Pick<FunctionDefinition, 'memoryInMb'>; runtime: Pick<HostRuntime, 'isMemoryExhausted'> };

/** The failure of the execution in progress when its process ended by itself. */
export function failureOfExecution(end: ChildEnd, { definition, runtime }: Facts): Failure {
  return runtime.isMemoryExhausted(end.output) ? outOfMemory(definition.memoryInMb) : processEnded(howItEnded(end));
}

/** The failure of the executions that waited for the start of a process that ended by itself. */
export function failureOfStart(end: ChildEnd, { definition, runtime }: Facts): Failure {
  if (end.spawnError !== undefined) return unavailable(`no process could be started: ${end.spawnError.message}`);
  return runtime.isMemoryExhausted(end.output)
    ? outOfMemory(definition.memoryInMb)
    : initializationFailed(`the process ${howItEnded(end)}`);
}

function howItEnded({ code, signal }: ChildEnd): string {
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}
