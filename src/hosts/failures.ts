import type { Failure } from '#machines/facts.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';

/** The failures that a host detects, with the vendor's codes. Codes up to 9,999 are failures of the function, others of the platform. */

export function failed(failure: Failure, output = ''): ExecutionResult {
  return output === '' ? { kind: 'failed', failure } : { kind: 'failed', failure, output };
}

/** `droppedBytes` is the size of a value that the process kept to itself. */
export function returned(payload: string, output = '', droppedBytes?: number): ExecutionResult {
  if (droppedBytes !== undefined) return { kind: 'returned', payload, droppedBytes, ...(output === '' ? {} : { output }) };
  return output === '' ? { kind: 'returned', payload } : { kind: 'returned', payload, output };
}

/** The result with the memory that the process reported, if it did. The function can write such a report too, so it is bounded. */
export function measured(result: ExecutionResult, { memoryUsedInMb }: { memoryUsedInMb?: number | undefined }): ExecutionResult {
  if (memoryUsedInMb === undefined || !(memoryUsedInMb >= 0 && memoryUsedInMb < 1e6)) return result;
  return { ...result, memoryUsedInMb: Math.round(memoryUsedInMb * 1_000) / 1_000 };
}

export function timedOut(timeoutInMs: number): Failure {
  return {
    kind: 'function',
    code: 4010,
    errorType: 'InvocationTimedOut',
    message: `function invocation timed out after ${timeoutInMs} ms`,
  };
}

export function loadTimedOut(afterMs: number): Failure {
  return { kind: 'function', code: 4012, errorType: 'LoadTimedOut', message: `function load timed out after ${afterMs} ms` };
}

export function initializationTimedOut(afterMs: number): Failure {
  return {
    kind: 'function',
    code: 4211,
    errorType: 'InitializationTimedOut',
    message: `function initialization timed out after ${afterMs} ms`,
  };
}

export function initializationFailed(reason: string): Failure {
  return { kind: 'function', code: 4201, errorType: 'InitializationFailed', message: `function initialization exception: ${reason}` };
}

export function outOfMemory(memoryInMb: number): Failure {
  return {
    kind: 'function',
    code: 4205,
    errorType: 'MemoryLimitExceeded',
    message: `runtime memory limit exceeded: the function may use ${memoryInMb} MB`,
  };
}

export function resourceExceeded(resource: 'memory' | 'processes', limits: { memoryInMb: number; maxProcesses: number }): Failure {
  if (resource === 'memory') return outOfMemory(limits.memoryInMb);
  return processEnded(`was ended because it had more than ${limits.maxProcesses} processes`);
}

export function processEnded(how: string): Failure {
  return { kind: 'function', code: 4204, errorType: 'ProcessExited', message: `function process ${how}` };
}

export function refusedByFunction(facts: { errorType: string; message: string }): Failure {
  return { kind: 'function', code: 4002, ...facts };
}

export function aborted(): Failure {
  return { kind: 'platform', code: 161900, errorType: 'ExecutionAborted', message: 'the worker aborted the execution' };
}

export function unavailable(message: string): Failure {
  return { kind: 'platform', code: 161900, errorType: 'HostUnavailable', message };
}

/** No process can run the function: the vendor's "metadata missing". */
export function noHandler(message: string): Failure {
  return { kind: 'platform', code: 150424, errorType: 'NoHandler', message };
}

export function lost(message: string): Failure {
  return { kind: 'lost', code: 161900, errorType: 'ExecutionLost', message };
}
