import { readFile } from 'node:fs/promises';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import { createRedaction, type Redact, redactByDefault } from '#src/core/output/redaction.ts';
import { compileLinear } from '#src/hosts/linear-patterns.ts';

/**
 * What hides secrets in the output and the failures of functions: `off`, or a file with further patterns. Throws `InvalidInputError` when the
 * file cannot be used.
 */
export async function readRedaction(choice: string | undefined): Promise<Redact | undefined> {
  if (choice === undefined) return redactByDefault;
  if (choice === 'off') return undefined;
  const lines = await readFile(choice, 'utf8').catch((cause: unknown) => {
    throw new InvalidInputError({ field: 'the file of --redact', problem: `cannot be read: ${messageOf(cause)}` }, { cause });
  });
  return await createRedaction(lines, compileLinear, choice);
}
