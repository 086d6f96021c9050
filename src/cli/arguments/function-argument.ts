import { usageProblem } from '#src/cli/problem.ts';
import type { SequentClient } from '#src/client/client.ts';
import { FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { canonicalName, isFunctionName } from '#src/core/names/names.ts';
import { parseFunctionUrn } from '#src/core/names/urn.ts';

/** A function as an argument names it. Without a qualifier, the argument contains none. */
type NamedFunction = { name: string; qualifier: string | undefined };

type Registry = { functions: Pick<SequentClient['functions'], 'get'> };

/**
 * Reads `orders`, `orders:v1`, `orders:!prod`, `billing:report`, `billing:report:v1`, or a URN. A flag may give the qualifier instead. Throws
 * like `parseFunctionUrn`.
 *
 * `a:b` is the version `b` of the function `a` if it exists, else the function `b` of the package `a` (PKG3), as the registry says. A user
 * who may not read the registry names a version by `a:b`, and a function of a package by its URN.
 */
export async function readFunction(registry: Registry, text: string, flag?: string): Promise<NamedFunction> {
  const readings = readingsOf(text);
  const possible = readings.filter(({ qualifier }) => flag === undefined || qualifier === undefined || qualifier === flag);
  const [first, second] = possible;
  if (first === undefined) throw usageProblem('two qualifiers were given', `${text} and --qualifier ${flag}`, 'one of them');
  const found = second === undefined ? first : await choose(registry, first, second);
  return flag === undefined ? found : { ...found, qualifier: flag };
}

/** What a text may mean: with one or two colons it may mean two things. */
function readingsOf(text: string): NamedFunction[] {
  const [first = '', second = '', third, ...more] = text.split(':');
  if (second === '' && third === undefined) return [{ name: first, qualifier: text.includes(':') ? '' : undefined }];
  const packaged = canonicalName(`${first}:${second}`);
  const isPackaged = isFunctionName(packaged);
  if (third === undefined) return [{ name: first, qualifier: second }, ...(isPackaged ? [{ name: packaged, qualifier: undefined }] : [])];
  if (!isPackaged || more.length > 0) return [readUrn(text)];
  return [{ name: packaged, qualifier: third }, ...(isUrn(text) ? [readUrn(text)] : [])];
}

function readUrn(text: string): NamedFunction {
  const { name, qualifier } = parseFunctionUrn(text);
  return { name, qualifier };
}

function isUrn(text: string): boolean {
  try {
    parseFunctionUrn(text);
    return true;
  } catch (error) {
    if (error instanceof InvalidInputError) return false;
    throw error;
  }
}

async function choose({ functions }: Registry, first: NamedFunction, second: NamedFunction): Promise<NamedFunction> {
  try {
    const entry = await findEntry(functions, first.name);
    if (entry !== undefined && hasQualifier(entry, first.qualifier)) return first;
    // Without both, the error is that the version is missing, or else the function of the package.
    return entry === undefined || (await findEntry(functions, second.name)) !== undefined ? second : first;
  } catch {
    // The user may not read the registry. The command itself reports that NATS does not answer.
    return first;
  }
}

async function findEntry(functions: Registry['functions'], name: string): Promise<FunctionEntry | undefined> {
  return await functions.get(name).catch((error: unknown) => {
    if (error instanceof FunctionNotFoundError || error instanceof InvalidInputError) return undefined;
    throw error;
  });
}

function hasQualifier({ versions, aliases }: FunctionEntry, qualifier = 'latest'): boolean {
  if (qualifier === 'latest') return true;
  return versions.some(({ version }) => version === qualifier) || aliases.some(({ name }) => `!${name}` === qualifier);
}
