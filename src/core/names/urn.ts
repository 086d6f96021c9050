import { InvalidInputError } from '#src/core/errors.ts';
import { type FunctionName, functionIn, parseQualifier, quote, splitName } from './names.ts';

/** A function as a URN names it: the project if the URN has one, the name, and the version or alias. */
export type FunctionReference = { project: string | undefined; name: FunctionName; qualifier: string };

/**
 * Parses a function URN. Throws `InvalidInputError`.
 *
 * The forms are FunctionGraph's: `name`, `package:name`, `project:package:name`, `project:package:name:qualifier`, and
 * `urn:fss:region:project:function:package:name` without or with a qualifier. A qualifier is a version, or `!` and an alias.
 *
 * `from` is the function whose configuration contains the URN. The returned name then belongs to the project of `from`, and a URN of another
 * project is refused. Without `from`, the returned name is bare.
 */
export function parseFunctionUrn(text: string, from?: FunctionName): FunctionReference {
  const parts = text.split(':');
  const isFull = parts[0] === 'urn';
  const short = isFull ? parts.slice(3, 4).concat(parts.slice(5)) : parts;
  const known = isFull ? (parts.length === 7 || parts.length === 8) && parts[1] === 'fss' && parts[4] === 'function' : parts.length <= 4;
  if (!known) throw new InvalidInputError({ field: `function URN ${quote(text)}`, problem: 'is none of the forms of a function URN' });
  // 1: name; 2: package and name; 3: project, package and name; 4: with a qualifier.
  const name = short[Math.min(short.length - 1, 2)] ?? '';
  const project = short.length > 2 ? short[0] : undefined;
  const own = from === undefined ? undefined : splitName(from).project;
  if (own !== undefined && project !== undefined && project !== own)
    throw new InvalidInputError({ field: `function URN ${quote(text)}`, problem: `names another project than ${own}` });
  return { project, name: functionIn(own, name), qualifier: parseQualifier(short[3] ?? 'latest') };
}
