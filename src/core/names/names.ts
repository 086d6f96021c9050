import { InvalidInputError } from '#src/core/errors.ts';

/**
 * The names that may become a token of a subject (U1). Every name from outside is validated here. A dot, a wildcard, white space or a control
 * character would otherwise reach the wire, where a CR/LF injects a message.
 */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type FunctionName = Branded<'FunctionName'>;
export type RequestId = Branded<'RequestId'>;
/** The id of a stream, which holds the facts of the invocations that were accepted together. */
export type StreamId = Branded<'StreamId'>;

/** The function token of requests whose own token is no function name. No function can have this name. */
export const NO_FUNCTION = '_' as FunctionName;

/** The package of every function whose name contains none (PKG1). */
export const DEFAULT_PACKAGE = 'default';

const IN_DEFAULT = `${DEFAULT_PACKAGE}:`;

const bareName = /^[A-Za-z](?:[A-Za-z0-9_-]{0,58}[A-Za-z0-9])?$/;
const projectId = /^[A-Za-z0-9_-]{1,64}$/;
const packageName = /^[A-Za-z0-9_-]{1,64}$/;
const requestId = /^[A-Za-z0-9_-]{1,64}$/;
const qualifier = /^!?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,40}[A-Za-z0-9])?$/;

/**
 * Whether the text is the name of a function: `<name>`, or `<package>:<name>` in another package than `default` (PKG1), of the own project;
 * or one of these after `<project>=`.
 *
 * A project never comes from outside: the gateway's scope adds the project of the caller.
 */
export function isFunctionName(text: string): text is FunctionName {
  // Nearly all names are bare.
  if (bareName.test(text)) return true;
  const at = text.indexOf('=');
  return at < 0 ? isPackaged(text) : isProjectId(text.slice(0, at)) && isNameInProject(text.slice(at + 1));
}

/** Whether the text is a function name by FunctionGraph's rule, without a project and without a package. */
export function isBareName(text: string): boolean {
  return bareName.test(text);
}

function isNameInProject(text: string): boolean {
  return bareName.test(text) || isPackaged(text);
}

/** The package `default` is never written, so that a function has one name. */
function isPackaged(text: string): boolean {
  const at = text.indexOf(':');
  if (at < 0) return false;
  const name = text.slice(0, at);
  return name !== DEFAULT_PACKAGE && isPackageName(name) && bareName.test(text.slice(at + 1));
}

export function isPackageName(text: string): boolean {
  return packageName.test(text);
}

export function isProjectId(text: string): boolean {
  return projectId.test(text);
}

/** The name of a function whose package may be written although it is `default`. Throws {@link InvalidInputError}. */
export function parseFunctionName(text: string): FunctionName {
  if (isFunctionName(text)) return text;
  const name = canonicalName(text);
  if (isFunctionName(name)) return name;
  throw invalidName(text);
}

/**
 * The function of this name in a project; `undefined` means the own project. The name may contain a package. Throws
 * {@link InvalidInputError}.
 */
export function functionIn(project: string | undefined, name: string): FunctionName {
  const local = canonicalName(name);
  if (local.includes('=') || !isFunctionName(local)) throw invalidName(name);
  return (project === undefined ? local : `${project}=${local}`) as FunctionName;
}

/** The text without a package that is `default`, so that a function has one name. */
export function canonicalName(text: string): string {
  const at = text.indexOf('=') + 1;
  return text.startsWith(IN_DEFAULT, at) ? text.slice(0, at) + text.slice(at + IN_DEFAULT.length) : text;
}

/**
 * Splits a function name into its project (`undefined` for the own one) and its name within the project, which contains the package. A text
 * that is no function name has no project.
 */
export function splitName(name: string): { project: string | undefined; bare: string } {
  const at = name.indexOf('=');
  return at > 0 && isFunctionName(name) ? { project: name.slice(0, at), bare: name.slice(at + 1) } : { project: undefined, bare: name };
}

/** Splits the name of a function within its project into the package and the name within the package. */
export function splitPackage(name: string): { package: string; name: string } {
  const at = name.indexOf(':');
  return at < 0 ? { package: DEFAULT_PACKAGE, name } : { package: name.slice(0, at), name: name.slice(at + 1) };
}

/** The name within a project of a function of a package (PKG1). Does not validate. */
export function nameInPackage(packageOf: string, name: string): string {
  return packageOf === DEFAULT_PACKAGE ? name : `${packageOf}:${name}`;
}

const PACKAGED_FORM = 'must be a package, ":" and a name, such as billing:report';

function invalidName(text: string): InvalidInputError {
  return new InvalidInputError({
    field: `function name ${quote(text)}`,
    problem: text.includes(':')
      ? PACKAGED_FORM
      : 'must be 1 to 60 letters, digits, "-" or "_", start with a letter and end with a letter or digit',
  });
}

export function isRequestId(text: string): text is RequestId {
  return requestId.test(text);
}

/** Throws {@link InvalidInputError} unless the text is a valid request id. */
export function parseRequestId(text: string): RequestId {
  if (isRequestId(text)) return text;
  throw new InvalidInputError({ field: `request id ${quote(text)}`, problem: 'must be 1 to 64 letters, digits, "-" or "_"' });
}

/** Whether the text is a version such as `latest` or `v2`, or an alias with its leading `!`. */
export function isQualifier(text: string): boolean {
  return qualifier.test(text);
}

export function parseQualifier(text: string): string {
  if (isQualifier(text)) return text;
  throw new InvalidInputError({ field: `qualifier ${quote(text)}`, problem: 'must be a version, or "!" and an alias' });
}

/** Control characters, format characters and line separators, which could move a terminal's cursor or hide themselves. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The name of an alias, given with or without the `!` of its qualifier. */
export function aliasNameOf(alias: string): string {
  return alias.replace(/^!/, '');
}

/** Quotes untrusted text on one line, shortened, without characters that a terminal interprets. */
export function quote(text: string): string {
  const shown = JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
  return shown.replace(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
