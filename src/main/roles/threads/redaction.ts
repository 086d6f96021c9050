import { readFile } from 'node:fs/promises';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import { createRedaction, type Redact, redactByDefault } from '#src/core/output/redaction.ts';
import type { RedactLarge } from '#src/hosts/finish-output.ts';
import { compileLinear } from '#src/hosts/linear-patterns.ts';
import { createRedactionThread } from './redaction-thread.ts';

/** What hides secrets: at once, and for long texts in a thread. */
export type Redaction = { redact: Redact; redactLarge: RedactLarge };

/**
 * What hides secrets in the output and the failures of functions: `off`, or a file with further patterns. Throws `InvalidInputError` when the
 * file cannot be used.
 */
export async function readRedaction(choice: string | undefined): Promise<Redaction | undefined> {
  if (choice === undefined) return { redact: redactByDefault, redactLarge: createRedactionThread({ lines: '' }) };
  if (choice === 'off') return undefined;
  const lines = await readFile(choice, 'utf8').catch((cause: unknown) => {
    throw new InvalidInputError({ field: 'the file of --redact', problem: `cannot be read: ${messageOf(cause)}` }, { cause });
  });
  return { redact: await createRedaction(lines, compileLinear, choice), redactLarge: createRedactionThread({ lines }) };
}
