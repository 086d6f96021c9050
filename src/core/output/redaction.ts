import { InvalidInputError } from '#src/core/errors.ts';

/** Replaces the secrets in a text. Takes time in proportion to the length of the text. */
export type Redact = (text: string) => string;

type Rule = Redact;

/** A pattern of a user, and the name of its line. */
export type OwnPattern = { text: string; field: string };

/**
 * Makes the patterns of users to functions that replace their matches in time in proportion to the text. Throws `InvalidInputError` with the
 * field of the invalid pattern.
 */
export type CompilePatterns = (patterns: readonly OwnPattern[], replacement: string) => Promise<Redact[]>;

const HIDDEN = '[redacted]';
/** The start of the second part of a JSON web token: `{"` in base64url, as of the first part. */
const SECOND = '.eyJ';

/** A name before `=` or `:`, also within JSON and within JSON in a text. */
const SECRET_NAME =
  'pass(?:word|wd|phrase)|pwd|secret|api[-_]?key|access[-_]?key(?:[-_]?id)?|secret[-_]?(?:access[-_]?)?key|private[-_]?key|client[-_]?secret|(?:access|auth|refresh|session|security|api)[-_]?token|(?<![a-z\\d])(?:ak|sk)';
const VALUE = String.raw`\\+"[^"\\]*\\+"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'\\,;&{}[\]]+`;

/**
 * The rules that are used by default. Each takes time in proportion to the length of the text: a search that fails at a character has read a
 * bounded number of characters, or none that another search reads again. `redaction-worst-cases.test.ts` looks for texts that break this.
 */
const defaults: Readonly<Record<string, Rule>> = {
  'private-key': replacing(/(-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----)[\s\S]*?(-----END [A-Z ]{0,32}PRIVATE KEY-----|$)/g, `$1${HIDDEN}$2`),
  authorization: replacing(/(\bauthorization\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?(?:\w{1,32} )?)[^\s"'\\,;]{6,}/gi, `$1${HIDDEN}`),
  bearer: replacing(/(\bbearer\s{1,4})[\w.~+/-]{16,}=*/gi, `$1${HIDDEN}`),
  jwt: (text) => (text.includes(SECOND) ? text.replace(/[\w.-]{28,}/g, withoutTokens) : text),
  'access-key': replacing(/\b(?:AKIA|ASIA|HPUA|HSTA)[A-Z\d]{16}\b/g, HIDDEN),
  // "token: expired" is prose, so a bare "token" counts only with "=" or in quotes.
  assignment: replacing(
    new RegExp(`((?:${SECRET_NAME})\\\\*["']?\\s{0,4}[=:]\\s{0,4}|token(?:\\s{0,4}=|\\\\*["']\\s{0,4}:)\\s{0,4})(?:${VALUE})`, 'gi'),
    `$1${HIDDEN}`,
  ),
  url: replacing(/(\b[a-z][a-z\d+.-]{1,20}:\/\/[^\s:/@"']{0,256}:)[^\s@/"']{1,256}(?=@)/gi, `$1${HIDDEN}`),
};

function replacing(pattern: RegExp, replacement: string): Rule {
  return (text) => text.replace(pattern, replacement);
}

/** The shortest of the first two parts. */
const MIN_PART = 13;

/**
 * Hides the JSON web tokens in a run of the characters that they consist of: `eyJ….eyJ….…`. Reads each part once as the first part and once as
 * the second one; one expression for the whole token would read a part again for each `-eyJ` in it.
 */
function withoutTokens(run: string): string {
  let shown = '';
  let from = 0;
  let next = 0;
  for (let dot = run.indexOf(SECOND); dot >= 0; dot = run.indexOf(SECOND, next)) {
    const end = run.indexOf('.', dot + 1);
    if (end < 0) break;
    next = end;
    const first = Math.max(from, run.lastIndexOf('.', dot - 1) + 1);
    const start = end - dot > MIN_PART ? startOfToken(run.slice(first, dot)) : -1;
    if (start < 0) continue;
    shown += run.slice(from, first + start) + HIDDEN;
    const after = run.indexOf('.', end + 1);
    from = after < 0 ? run.length : after;
    next = from;
  }
  return shown + run.slice(from);
}

/** The first place at which a word begins with `eyJ` and is long enough; -1 without one. */
function startOfToken(part: string): number {
  const start = part.search(/\beyJ/);
  return start >= 0 && part.length - start >= MIN_PART ? start : -1;
}

/** The names of the default patterns. */
const REDACTION_NAMES: readonly string[] = Object.keys(defaults);

/** Replaces what the default patterns find. */
export const redactByDefault: Redact = inTurn(Object.values(defaults));

/**
 * Replaces what the default patterns find, and the patterns in `lines`: one regular expression of RE2 a line, whose whole match is replaced. A
 * line `!<name>` drops a default pattern. Empty lines, and lines that begin with `#`, count nothing.
 *
 * Throws `InvalidInputError` with the number of the invalid line. `place` names the source of the lines.
 */
export async function createRedaction(lines: string, compile: CompilePatterns, place = 'the patterns of secrets'): Promise<Redact> {
  const used = new Map(Object.entries(defaults));
  const own: OwnPattern[] = [];
  for (const [index, line] of lines.split(/\r?\n/).entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const field = `line ${index + 1} of ${place}`;
    if (text.startsWith('!')) drop(used, text.slice(1), field);
    else own.push({ text, field });
  }
  return inTurn([...used.values(), ...(await compile(own, HIDDEN))]);
}

function inTurn(rules: readonly Rule[]): Redact {
  return (text) => rules.reduce((found, rule) => rule(found), text);
}

function drop(used: Map<string, Rule>, name: string, field: string): void {
  if (!used.delete(name))
    throw new InvalidInputError({ field, problem: `drops no default pattern; these are ${REDACTION_NAMES.join(', ')}` });
}
