import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { Redact } from '#src/core/output/redaction.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import { keptBytesOf, lastBytes } from './runtime/output.mjs';

type Options = { definition: Pick<FunctionDefinition, 'maxOutputBytes'>; redact: Redact | undefined };

/** A cut between two characters of UTF-8 may leave up to three bytes less. */
const CUT_CHARACTER_BYTES = 3;

/**
 * The result with the output that the log keeps, and the whole output when the function keeps more than that. Secrets go first: the cut may leave
 * only the end of one, which no pattern finds.
 */
export function finishOutput(result: ExecutionResult, { definition, redact }: Options): ExecutionResult {
  if (result.output === undefined) return result;
  const printed = redact === undefined ? result.output : redact(result.output);
  const output = lastBytes(printed);
  const { maxOutputBytes } = definition;
  if (maxOutputBytes === undefined || output === printed) return output === result.output ? result : { ...result, output };
  const text = lastBytes(printed, maxOutputBytes);
  const wasCut = Buffer.byteLength(result.output) >= keptBytesOf(definition) - CUT_CHARACTER_BYTES;
  return { ...result, output, wholeOutput: { text, isCut: wasCut || text !== printed } };
}
