import { InvalidInputError } from '#src/core/errors.ts';
import { DEFAULT_PACKAGE, type FunctionName, functionIn, nameInPackage, parseQualifier, quote, splitName } from './names.ts';

const LATEST = 'latest';

/** A function as a URN names it: the project if the URN has one, the name with its package (PKG1), and the version or alias. */
export type FunctionReference = { project: string | undefined; name: FunctionName; qualifier: string };

/**
 * Parses a function URN. Throws `InvalidInputError`.
 *
 * The forms are FunctionGraph's: `name`, `package:name`, `project:package:name`, `project:package:name:qualifier`, and
 * `urn:fss:region:project:function:package:name` without or with a qualifier. A qualifier is a version, or `!` and an alias.
 *
 * `from` is the function whose configuration contains the URN. The returned name then belongs to the project of `from`, and a URN of another
 * project is refused. Without `from`, the returned name has no project. A name without a package is in the package `default`, whatever the
 * package of `from` is.
 */
export function parseFunctionUrn(text: string, from?: FunctionName): FunctionReference {
  const { project, packageOf, name, qualifier } = partsOf(text);
  const own = from === undefined ? undefined : splitName(from).project;
  if (own !== undefined && project !== undefined && project !== own)
    throw new InvalidInputError({ field: `function URN ${quote(text)}`, problem: `names another project than ${own}` });
  return { project, name: functionIn(own, nameInPackage(packageOf, name)), qualifier: parseQualifier(qualifier) };
}

type ParsedUrn = { project: string | undefined; packageOf: string; name: string; qualifier: string };

function partsOf(text: string): ParsedUrn {
  const parts = text.split(':');
  const isFull = parts[0] === 'urn';
  const known = isFull ? (parts.length === 7 || parts.length === 8) && parts[1] === 'fss' && parts[4] === 'function' : parts.length <= 4;
  if (!known) throw new InvalidInputError({ field: `function URN ${quote(text)}`, problem: 'is none of the forms of a function URN' });
  const [first = '', second = '', third = '', qualifier = LATEST] = isFull ? parts.slice(3, 4).concat(parts.slice(5)) : parts;
  if (isFull || parts.length > 2) return { project: first, packageOf: second, name: third, qualifier };
  if (parts.length === 2) return { project: undefined, packageOf: first, name: second, qualifier };
  return { project: undefined, packageOf: DEFAULT_PACKAGE, name: first, qualifier };
}
