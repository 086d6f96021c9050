import { InvalidInputError } from '#src/core/errors.ts';

/*
 * What a person may write in SQL (SQL1). SQLite of some runtimes has functions and tables that read and write files (readfile, writefile,
 * fsdir), that read pages (sqlite_dbpage), or that run code. Its authorizer is not available in every runtime, so the text is checked:
 *
 * 1. It is one statement, and begins with SELECT, WITH or VALUES. ATTACH, PRAGMA and all changes are statements of their own.
 * 2. A name before "(" that SQLite knows as a function must be on the list of allowed functions.
 * 3. No word and no text is the name of a virtual table, of an internal table, or begins as such names do.
 *
 * A text that cannot be split into tokens is refused.
 */

/** What SQLite of this connection knows, in lower case. */
export type Known = { functions: ReadonlySet<string>; modules: ReadonlySet<string>; internal: ReadonlySet<string> };

const MAX_CHARACTERS = 20_000;

const allowedFunctions = new Set(
  `abs avg ceil ceiling char coalesce concat concat_ws count cume_dist current_date current_time current_timestamp date datetime dense_rank exp
  first_value floor format glob group_concat hex ifnull iif instr json json_array json_array_length json_each json_error_position json_extract
  json_group_array json_group_object json_object json_quote json_tree json_type json_valid julianday lag last_value lead length like ln log
  log10 lower ltrim max median min mod nth_value ntile nullif octet_length percent_rank pi pow power printf quote random rank replace round
  row_number rtrim sign sqrt strftime string_agg substr substring sum time timediff total trim trunc typeof unicode unixepoch upper -> ->>`
    .trim()
    .split(/\s+/),
);
const allowedModules = new Set(['json_each', 'json_tree']);
const INTERNAL = /^(?:pragma_|sqlite|libsql|fts|rtree|dbstat)/;

const token =
  /[ \t\r\n]+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[A-Za-z_\u0080-\uFFFF][\w$\u0080-\uFFFF]*|\d[\w.]*|\/(?!\*)|[-+*%=<>!|&~,.();?:@#$]/y;

/** Throws `InvalidInputError` for a text that does more than read the documented tables. Returns it. */
export function checkSql(sql: string, known: Known): string {
  const tokens = tokensOf(sql);
  if (!/^(?:select|with|values)$/i.test(tokens[0] ?? '')) throw refused('must begin with SELECT, WITH or VALUES');
  while (tokens.at(-1) === ';') tokens.pop();
  if (tokens.includes(';')) throw refused('must be one statement');
  for (const [index, text] of tokens.entries()) checkToken(text, tokens[index + 1], known);
  return sql;
}

function checkToken(text: string, next: string | undefined, known: Known): void {
  const name = nameIn(text);
  if (name === undefined) return;
  const isModule = known.modules.has(name) && !allowedModules.has(name);
  if (INTERNAL.test(name) || isModule || known.internal.has(name))
    throw refused(`must not name ${name}; the tables are invocations and deliveries`);
  const isCall = next === '(' && !text.startsWith("'");
  if (isCall && known.functions.has(name) && !allowedFunctions.has(name)) throw refused(`must not call ${name}()`);
}

/** The words of a text of SQL, in lower case. */
export function wordsOfSql(sql: string): Set<string> {
  return new Set(tokensOf(sql).flatMap((text) => nameIn(text) ?? []));
}

/** The tokens without space and comments. */
function tokensOf(sql: string): string[] {
  if (sql.length > MAX_CHARACTERS) throw refused(`must have at most ${MAX_CHARACTERS} characters`);
  const tokens: string[] = [];
  token.lastIndex = 0;
  for (let at = 0; at < sql.length; at = token.lastIndex) {
    token.lastIndex = at;
    const [text] = token.exec(sql) ?? [];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: SQLite ends a text at the first NUL
    if (text === undefined || /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text))
      throw refused(`cannot be read at ${JSON.stringify(sql.slice(at, at + 20))}`);
    if (!/^(?:[ \t\r\n]|--|\/\*)/.test(text)) tokens.push(text);
  }
  return tokens;
}

/** The name that a token can be, without its quotes: SQLite reads a text in single quotes as a name, too. */
function nameIn(text: string): string | undefined {
  if (/^["'`]/.test(text)) return text.slice(1, -1).replaceAll(text.slice(0, 1).repeat(2), text.slice(0, 1)).toLowerCase();
  if (text.startsWith('[')) return text.slice(1, -1).toLowerCase();
  return /^[A-Za-z_\u0080-\uFFFF]/.test(text) ? text.toLowerCase() : undefined;
}

function refused(problem: string): InvalidInputError {
  return new InvalidInputError({ field: 'the SQL', problem });
}
