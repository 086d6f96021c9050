import { Command, InvalidArgumentError } from 'commander';
import { parseDuration, parseWhole } from '#src/cli/arguments/durations.ts';
import { readStdinText } from '#src/cli/arguments/payload.ts';
import { cut, padEnd, padStart, plain, widthOf } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { MAX_SQL_MS, MAX_SQL_ROWS, type SqlAnswer } from '#src/core/sql-questions.ts';
import { escapeControls } from '#src/core/text/escape-controls.ts';
import { action, type Call } from '../../call.ts';
import { askFresh } from '../../history/ask-fresh.ts';
import { exitCodes } from '../../problem.ts';
import { printConnection, withClient } from '../../session.ts';
import { addWatch, type WatchOptions, watching } from '../../watch.ts';

type SqlOptions = { limit?: number; timeout?: number; csv?: true; project?: string } & WatchOptions;

export function sqlCommand(): Command {
  const command = new Command('sql')
    .description(
      'Answers a query in SQL from the read model. The tables are invocations and deliveries; times are milliseconds since the epoch. The query cannot change anything, and is ended after its time.',
    )
    .argument('<query>', 'one SELECT; or - for stdin')
    .option('--limit <count>', 'at most this many rows (default: 1000, at most 10000)', parseWhole(1, MAX_SQL_ROWS))
    .option('--timeout <duration>', 'end the query after this time (default: 10s, at most 60s)', timeIn)
    .option('--csv', 'print CSV')
    .option('--project <project>', 'only the rows of this project, with the names of its functions; "" is the own project');
  return addWatch(command).addHelpText('after', examples).action(action<SqlOptions>(sql));
}

const examples = `
Examples:
  sequent sql 'select function, count(*) from invocations group by 1 order by 2 desc'
  sequent sql "select id, error from invocations where status = 'FAIL' order by ended_at desc limit 10" --json
  sequent sql 'select state, count(*) from invocations group by 1' --watch

Exit codes: 0 answered, 2 refused, not SQL or not in time, 6 no projection answers. More queries: docs/sql.md.`;

/** Throws commander's error. */
function timeIn(text: string): number {
  const ms = parseDuration(text);
  if (ms < 1 || ms > MAX_SQL_MS) throw new InvalidArgumentError('It must be at most 60s.');
  return ms;
}

async function sql(call: Call<SqlOptions>): Promise<typeof exitCodes.ok> {
  const [given = ''] = call.args;
  const text = given === '-' ? await readStdinText(call) : given;
  await withClient(call.options, async (client) => {
    if (call.options.watch === true) printConnection(client, call.terminal.err);
    await watching(call, (one) => printAnswer(one, client, text));
  });
  return exitCodes.ok;
}

async function printAnswer(call: Call<SqlOptions>, client: SequentClient, text: string): Promise<boolean> {
  const { limit, timeout: withinMs, project } = call.options;
  const query = {
    sql: text,
    ...(limit === undefined ? {} : { limit }),
    ...(withinMs === undefined ? {} : { withinMs }),
    ...(project === undefined ? {} : { project }),
  };
  print(call, await askFresh(client, call, (freshness) => client.history.sql(query, freshness)));
  return true;
}

function print({ terminal: { out, err }, format, options }: Call<SqlOptions>, { columns, rows, isCut }: SqlAnswer): void {
  const wanted = options.csv === true ? 'csv' : format;
  const lines = wanted === 'table' ? tableOf(columns, rows, out) : linesOf({ columns, rows }, wanted);
  if (wanted === 'table' && rows.length === 0) err.line(say('no row'));
  else for (const line of lines) out.line(line);
  if (isCut) err.line(say('more rows than shown; --limit, or a narrower query'));
}

function linesOf({ columns, rows }: Omit<SqlAnswer, 'isCut'>, format: string): string[] {
  if (format === 'csv') return [columns, ...rows].map((row) => row.map(csvCell).join(','));
  if (format === 'name') return rows.map(([first]) => plain(String(first ?? '')));
  const named = rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null])));
  return format === 'json' ? [JSON.stringify(named, null, 2)] : named.map((one) => JSON.stringify(one));
}

function tableOf(columns: readonly string[], rows: SqlAnswer['rows'], { isTty, columns: width }: Call['terminal']['out']): string[] {
  const cells = [columns, ...rows].map((row) => row.map((value) => plain(String(value ?? ''))));
  const widths = columns.map((_, index) => Math.max(...cells.slice(0, MAX_MEASURED).map((row) => widthOf(row[index] ?? ''))));
  const isNumber = columns.map((_, index) => rows.every((row) => row[index] === null || typeof row[index] === 'number'));
  return cells.map((row) => {
    const line = row
      .map((cell, index) => (isNumber[index] ? padStart(cell, widths[index] ?? 0) : padEnd(cell, widths[index] ?? 0)))
      .join('  ')
      .trimEnd();
    return isTty ? cut(line, width) : line;
  });
}

/** The widths of the columns are those of the first rows: a spread has a bounded number of arguments. */
const MAX_MEASURED = 1_000;

/** A cell of RFC 4180. A text shows no control characters, and a spreadsheet computes none: it would take one with such a first character for a formula. */
function csvCell(value: string | number | null): string {
  const shown = escapeControls(String(value ?? ''), { keepsLines: true });
  const text = typeof value === 'string' && /^[=+@-]/.test(shown) ? `'${shown}` : shown;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
