import { Command, Option } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import { formatTimeOfDay } from '#src/cli/print/format.ts';
import { type OutputStream, type Paint, plain } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import type { LogLine, LogPage } from '#src/client/client.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { LOG_LEVELS, type LogLevel } from '#src/core/output/log-line.ts';
import { action, type Call, type Format } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { printConnection, withClient } from '../../session.ts';

type LogsOptions = {
  follow?: true;
  since?: number;
  until?: number;
  failed?: true;
  level?: LogLevel;
  id?: string;
  whole?: true;
  limit: number;
};

export function logsCommand(): Command {
  return new Command('logs')
    .description('Prints what the attempts of a function printed, line by line, and why attempts failed, from the log.')
    .argument('<function>', 'the function')
    .argument('[text]', 'only lines that contain this text, in upper or lower case')
    .option('-f, --follow', 'then print what attempts print, within a second, until Ctrl-C')
    .option('--since <time>', 'attempts that ended since then: 10m, 2h ago, or 2026-01-31T12:00:00Z (default: 1h)', parsePointInTime)
    .option('--until <time>', 'attempts that ended before then', parsePointInTime)
    .option('--failed', 'only of attempts that failed')
    .addOption(new Option('--level <level>', 'at least of this level; a line without a level counts as info').choices(LOG_LEVELS))
    .option('--id <id>', 'only of this invocation')
    .option('--whole', 'the whole output of each attempt, when the function keeps it (fn put --max-output)')
    .option('-n, --limit <count>', 'the maximum number of earlier lines; the newest ones are printed', parseWhole(1, 100_000), 1_000)
    .addHelpText('after', examples)
    .action(action<LogsOptions>(logs));
}

const examples = `
Examples:
  sequent logs orders
  sequent logs orders -f
  sequent logs orders --failed --since 1d
  sequent logs orders 'card declined' --since 2h
  sequent logs orders --level warn --json | jq -r .message
  sequent logs orders --id order-4711 --whole

With -f, the lines of running attempts are printed within a second: at most 200 lines or 8,000 characters of an
attempt each half second, and "N lines left out" says what is missing. Without -f, and with --failed, a line is
printed when its attempt ends. The log keeps the last 4 KB of each attempt; a function with
--max-output keeps more beside the log. A level and a time are read from JSON lines with a
field "level" (pino, winston, bunyan) and from lines of context.getLogger(). With --json each line is one JSON object.
Exit codes: 0 ok, 3 no such function.`;

async function logs(call: Call<LogsOptions>): Promise<typeof exitCodes.ok> {
  const { args, options, terminal, format } = call;
  const [given = '', text] = args;
  const name = parseFunctionName(given);
  const { follow, since, until, failed, level, id: invocation, whole, limit } = options;
  const filter = { failed, level, text, invocation, whole };
  const print = (lines: readonly LogLine[]): void => {
    for (const line of lines) terminal.out.line(lineFor(line, format, terminal.out));
  };
  await withClient(options, async (client) => {
    const page = await client.logs.read(name, { ...filter, limit, since: dateOf(since), until: dateOf(until) });
    if (page.lines.length === 0) await client.functions.get(name);
    print(page.lines);
    const remark = follow ? undefined : remarkOn(page, options);
    if (remark !== undefined) terminal.err.line(terminal.err.paint.dim(remark));
    if (!follow) return;
    printConnection(client, terminal.err);
    for await (const lines of client.logs.follow(name, { ...filter, from: page.next, live: true })) print(lines);
  });
  return exitCodes.ok;
}

const dateOf = (at: number | undefined): Date | undefined => (at === undefined ? undefined : new Date(at));

function remarkOn({ lines, isComplete }: LogPage, { since, limit }: LogsOptions): string | undefined {
  if (!isComplete)
    return say('there are earlier lines: a larger --limit than {limit}, or a shorter time by --since and --until, shows them', { limit });
  if (lines.length > 0) return undefined;
  return since === undefined ? say('no line of the last hour; --since 1d looks further back') : say('no line matches');
}

function lineFor(line: LogLine, format: Format, output: OutputStream): string {
  const { invocation, function: name, level, at, attempt, text, message, kind, isCut, isStored, isLive, leftOut, ...rest } = line;
  if (format === 'json' || format === 'jsonl')
    return JSON.stringify({
      at,
      requestId: invocation,
      function: name,
      attempt,
      kind,
      level,
      message,
      text,
      isCut,
      isStored,
      isLive,
      leftOut,
      ...rest,
    });
  if (format === 'name') return invocation;
  const { dim } = output.paint;
  const shown = kind === 'failure' ? say('attempt {attempt} failed: {message}', { attempt, message }) : message;
  const words = [dim(formatTimeOfDay(at)), dim(`${invocation} #${attempt}`), levelIn(level, output.paint), plain(shown)];
  const cut = isStored
    ? say('earlier output of this attempt is stored: --whole prints it')
    : say('earlier output of this attempt was dropped');
  const missing = isCut ? cut : leftOut === undefined ? undefined : say('{count} lines left out', { count: leftOut });
  return [...(missing === undefined ? [] : [dim(`${invocation} #${attempt} (${missing})`), '\n']), words.join('  ')].join('');
}

function levelIn(level: LogLevel | undefined, { dim, yellow, red }: Paint): string {
  const word = (level ?? '').padEnd(5);
  if (level === 'error' || level === 'fatal') return red(word);
  return level === 'warn' ? yellow(word) : dim(word);
}
