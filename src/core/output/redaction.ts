import { InvalidInputError } from '#src/core/errors.ts';

/** Replaces the secrets in a text. Takes time in proportion to the length of the text. */
export type Redact = (text: string) => string;

type Pattern = { pattern: RegExp; replacement: string };

const HIDDEN = '[redacted]';

/** A name before `=` or `:`, also within JSON and within JSON in a text. */
const SECRET_NAME =
  'pass(?:word|wd|phrase)|pwd|secret|api[-_]?key|access[-_]?key(?:[-_]?id)?|secret[-_]?(?:access[-_]?)?key|private[-_]?key|client[-_]?secret|(?:access|auth|refresh|session|security|api)[-_]?token|(?<![a-z\\d])(?:ak|sk)';
const VALUE = String.raw`\\+"[^"\\]*\\+"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'\\,;&{}[\]]+`;

/** The patterns that are used by default. Each repetition is bounded, or cannot begin at two characters of one text. */
const defaults: Readonly<Record<string, Pattern>> = {
  'private-key': {
    pattern: /(-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----)[\s\S]*?(-----END [A-Z ]{0,32}PRIVATE KEY-----|$)/g,
    replacement: `$1${HIDDEN}$2`,
  },
  authorization: {
    pattern: /(\bauthorization\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?(?:\w{1,32} )?)[^\s"'\\,;]{6,}/gi,
    replacement: `$1${HIDDEN}`,
  },
  bearer: { pattern: /(\bbearer\s{1,4})[\w.~+/-]{16,}=*/gi, replacement: `$1${HIDDEN}` },
  jwt: { pattern: /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*/g, replacement: HIDDEN },
  'access-key': { pattern: /\b(?:AKIA|ASIA|HPUA|HSTA)[A-Z\d]{16}\b/g, replacement: HIDDEN },
  // "token: expired" is prose, so a bare "token" counts only with "=" or in quotes.
  assignment: {
    pattern: new RegExp(
      `((?:${SECRET_NAME})\\\\*["']?\\s{0,4}[=:]\\s{0,4}|token(?:\\s{0,4}=|\\\\*["']\\s{0,4}:)\\s{0,4})(?:${VALUE})`,
      'gi',
    ),
    replacement: `$1${HIDDEN}`,
  },
  url: { pattern: /(\b[a-z][a-z\d+.-]{1,20}:\/\/[^\s:/@"']{0,256}:)[^\s@/"']{1,256}(?=@)/gi, replacement: `$1${HIDDEN}` },
};

/** The names of the default patterns. */
const REDACTION_NAMES: readonly string[] = Object.keys(defaults);

/** Replaces what the default patterns find. */
export const redactByDefault: Redact = createRedaction('');

/**
 * Replaces what the default patterns find, and the patterns in `lines`: one regular expression a line, whose whole match is replaced. A line
 * `!<name>` drops a default pattern. Empty lines, and lines that begin with `#`, count nothing.
 *
 * Throws `InvalidInputError` with the number of the invalid line. `place` names the source of the lines.
 */
export function createRedaction(lines: string, place = 'the patterns of secrets'): Redact {
  const used = new Map(Object.entries(defaults));
  for (const [index, line] of lines.split(/\r?\n/).entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const field = `line ${index + 1} of ${place}`;
    if (text.startsWith('!')) drop(used, text.slice(1), field);
    else used.set(`line ${index + 1}`, { pattern: compile(text, field), replacement: HIDDEN });
  }
  const patterns = [...used.values()];
  return (text) => patterns.reduce((found, { pattern, replacement }) => found.replace(pattern, replacement), text);
}

function drop(used: Map<string, Pattern>, name: string, field: string): void {
  if (!used.delete(name))
    throw new InvalidInputError({ field, problem: `drops no default pattern; these are ${REDACTION_NAMES.join(', ')}` });
}

function compile(text: string, field: string): RegExp {
  let pattern: RegExp;
  try {
    pattern = new RegExp(text, 'g');
  } catch (cause) {
    throw new InvalidInputError({ field, problem: 'is no regular expression of JavaScript' }, { cause });
  }
  if (pattern.test('')) throw new InvalidInputError({ field, problem: 'matches the empty text, and so every text' });
  pattern.lastIndex = 0;
  return pattern;
}
