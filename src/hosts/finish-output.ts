import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { Redact } from '#src/core/output/redaction.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import { keptBytesOf, lastBytes } from './runtime/output.mjs';

type Options = { definition: Pick<FunctionDefinition, 'maxOutputBytes'>; redact: Redact | undefined };

/** A cut between two characters of UTF-8 may leave up to three bytes less. */
const CUT_CHARACTER_BYTES = 3;

/** Hides the secrets of a long text in another thread. */
export type RedactLarge = (text: string) => Promise<string>;

/** The secrets of a longer output are hidden in another thread, if there is one. */
export const LARGE_OUTPUT = 65_536;

/**
 * The result with the output that the log keeps, and the whole output when the function keeps more than that. Secrets go first: the cut may leave
 * only the end of one, which no pattern finds.
 */
export function finishOutput(result: ExecutionResult, { definition, redact }: Options): ExecutionResult {
  if (result.output === undefined) return result;
  return withOutput(result, { printed: result.output, shown: redact === undefined ? result.output : redact(result.output), definition });
}

/** The same for a large output. When the thread fails, its secrets are hidden here. */
export async function finishLargeOutput(
  result: ExecutionResult,
  { redactLarge, ...options }: Options & { redactLarge: RedactLarge },
): Promise<ExecutionResult> {
  const { output: printed = '' } = result;
  const shown = await redactLarge(printed).catch(() => undefined);
  return shown === undefined ? finishOutput(result, options) : withOutput(result, { ...options, printed, shown });
}

type Output = Pick<Options, 'definition'> & { printed: string; shown: string };

function withOutput(result: ExecutionResult, { definition, printed, shown }: Output): ExecutionResult {
  const output = lastBytes(shown);
  const { maxOutputBytes } = definition;
  if (maxOutputBytes === undefined || output === shown) return output === printed ? result : { ...result, output };
  const text = lastBytes(shown, maxOutputBytes);
  const wasCut = Buffer.byteLength(printed) >= keptBytesOf(definition) - CUT_CHARACTER_BYTES;
  return { ...result, output, wholeOutput: { text, isCut: wasCut || text !== shown } };
}
