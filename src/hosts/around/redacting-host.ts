import type { Redact } from '#src/core/output/redaction.ts';
import type { ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';

/** Hides the secrets in the texts of failures of functions. The hosts that capture output hide those in it themselves, before they cut it. */
export function createRedactingHost(host: FunctionHost, redact: Redact): FunctionHost {
  return { ...host, execute: (execution, signal) => host.execute(execution, signal).then((result) => redacted(result, redact)) };
}

function redacted(result: ExecutionResult, redact: Redact): ExecutionResult {
  if (result.kind === 'returned' || result.failure.kind !== 'function') return result;
  const { message, stackTrace } = result.failure;
  const trace = stackTrace === undefined ? {} : { stackTrace: stackTrace.map(redact) };
  return { ...result, failure: { ...result.failure, message: redact(message), ...trace } };
}
