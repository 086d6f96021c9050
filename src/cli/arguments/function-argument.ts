import { usageProblem } from '#src/cli/problem.ts';
import { parseFunctionUrn } from '#src/core/names/urn.ts';

/** Reads `orders`, `orders:v1`, `orders:!prod`, or a URN. A flag may give the qualifier instead. Throws like `parseFunctionUrn`. */
export function readFunction(text: string, flag?: string): { name: string; qualifier: string | undefined } {
  const found = read(text);
  if (flag === undefined) return found;
  if (found.qualifier !== undefined && found.qualifier !== flag)
    throw usageProblem('two qualifiers were given', `${text} and --qualifier ${flag}`, 'one of them');
  return { ...found, qualifier: flag };
}

function read(text: string): { name: string; qualifier: string | undefined } {
  const [name = '', qualifier, ...rest] = text.split(':');
  return rest.length === 0 ? { name, qualifier } : parseFunctionUrn(text);
}
