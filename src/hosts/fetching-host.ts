import type { Failure } from '#machines/facts.ts';
import { messageOf, PayloadUnavailableError } from '#src/core/errors.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import { isReference, parseReference } from '#src/core/payloads/payload-reference.ts';
import type { Execution, ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';
import { ByteBudget } from './byte-budget.ts';
import { aborted, failed, unavailable } from './failures.ts';

/** The large payloads that a worker holds at one moment. One of 64 MB takes up to four times its size while it is passed on. */
const MAX_BYTES_AT_ONCE = 128 * 1_024 * 1_024;

/**
 * Reads a large payload for the execution that needs it, and compares it with its digest (BIG3). Any other execution costs a look at the
 * beginning of its payload.
 *
 * The payloads in memory are bounded, whatever the concurrency is: an execution whose payload finds no place waits, before its timeout
 * starts. A payload that is missing or damaged is a failure of the platform: the attempt is made again later.
 */
export function createFetchingHost(
  host: FunctionHost,
  large: Pick<LargePayloads, 'fetch'>,
  maxBytesAtOnce = MAX_BYTES_AT_ONCE,
): FunctionHost {
  const budget = new ByteBudget(maxBytesAtOnce);

  async function executeFetched(execution: Execution, signal: AbortSignal): Promise<ExecutionResult> {
    const release = await budget.take(parseReference(execution.payload)?.bytes ?? 0, signal);
    if (release === undefined) return failed(aborted());
    try {
      const owner = { function: execution.definition.name, invocation: execution.requestId };
      const payload = await large.fetch(owner, execution.payload);
      return await host.execute({ ...execution, payload }, signal);
    } catch (error) {
      return failed(error instanceof PayloadUnavailableError ? payloadUnavailable(error) : unavailable(messageOf(error)));
    } finally {
      release();
    }
  }

  return {
    ...host,
    execute: (execution, signal) => (isReference(execution.payload) ? executeFetched(execution, signal) : host.execute(execution, signal)),
  };
}

function payloadUnavailable({ message }: PayloadUnavailableError): Failure {
  return { kind: 'platform', code: 161_900, errorType: 'PayloadUnavailable', message };
}
