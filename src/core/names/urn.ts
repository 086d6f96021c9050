import { InvalidInputError } from '#src/core/errors.ts';
import { type FunctionName, functionIn, parseQualifier, quote, splitName } from './names.ts';

/** A function as a URN names it: the project if it says one, the name, and which version or alias of it. */
export type FunctionReference = { project: string | undefined; name: FunctionName; qualifier: string };

/**
 * Reads a function URN in any of FunctionGraph's six forms: `name`, `package:name`, `project:package:name`, the same with a
 * version or `!alias` behind, and the full `urn:fss:region:project:function:package:name` without or with one.
 *
 * A URN in the configuration of a function leads `from` there to one of the same project, never to another's: the name that is
 * returned is of that project. Without `from` it is the bare name. Throws `InvalidInputError`.
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
