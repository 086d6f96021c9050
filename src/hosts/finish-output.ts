import type { Redact } from '#src/core/output/redaction.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import { lastBytes } from './runtime/output.mjs';

/** The result with the output that the log keeps. Secrets go first: the cut may leave only the end of one, which no pattern finds. */
export function finishOutput(result: ExecutionResult, redact: Redact | undefined): ExecutionResult {
  if (result.output === undefined) return result;
  return { ...result, output: lastBytes(redact === undefined ? result.output : redact(result.output)) };
}
