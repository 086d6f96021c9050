import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { formatBytes, formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { say, sayCount, sayWord } from '#src/cli/texts/say.ts';
import type { ClientHistory } from '#src/client/history/history.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import type { HistoryCheck, HistoryProblem, HistoryStatus } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

type InstanceOptions = { instance?: string };

export function projectionCommand(): Command {
  return new Command('projection')
    .description('The read models that answer history queries. Each instance has its own, and can rebuild it from the log.')
    .addCommand(sub('status', 'how far behind the log each instance is').action(action<InstanceOptions>(status)))
    .addCommand(
      sub('check', 'compare every row with a newly built read model (exit code 1: they differ)').action(action<InstanceOptions>(check)),
    )
    .addCommand(
      withDryRun(sub('rebuild', 'build a new read model; the old one serves until the new one has caught up')).action(
        action<InstanceOptions>(rebuild),
      ),
    )
    .addCommand(
      new Command('problems')
        .summary('entries of the log that could not be folded')
        .description('Lists messages of an unknown form, facts that the machine refuses, appends without a request, and gaps of the log.')
        .option('--after <sequence>', 'only after this sequence of the log', parseWhole(0), 0)
        .option('-n, --limit <count>', 'the maximum number of rows', parseWhole(1, 500), 100)
        .action(action<ProblemOptions>(problems)),
    );
}

type ProblemOptions = { after: number; limit: number };

const problemColumns: Column<HistoryProblem>[] = [
  { head: 'SEQUENCE', cell: ({ sequence }) => String(sequence), align: 'right' },
  { head: 'TIME', cell: ({ at }) => formatMoment(at) },
  { head: 'KIND', cell: ({ kind }) => kind },
  { head: 'INVOCATION', cell: ({ invocation }) => invocation ?? '' },
  { head: 'WHY', cell: ({ why }) => why },
];

async function problems(call: Call<ProblemOptions>): Promise<ExitCode> {
  const { after, limit } = call.options;
  const { err } = call.terminal;
  return await withClient(call.options, async ({ history }) => {
    const rows = await history.problems({ after, limit });
    printList(call, { rows, columns: problemColumns, name: ({ sequence }) => String(sequence), empty: say('every entry could be folded') });
    if (rows.length === limit)
      err.line(err.paint.dim(say('there may be more: --after {sequence}', { sequence: rows.at(-1)?.sequence ?? 0 })));
    return exitCodes.ok;
  });
}

function sub(name: string, summary: string): Command {
  return new Command(name).summary(summary).description(summary).option('--instance <name>', 'only this instance');
}

async function instancesOf(history: ClientHistory, { instance }: InstanceOptions): Promise<string[]> {
  const found = instance === undefined ? await history.instances() : [instance];
  if (found.length === 0) throw new HistoryUnavailableError({ why: 'no projection runs' });
  return found;
}

const columns: Column<HistoryStatus>[] = [
  { head: 'INSTANCE', cell: ({ instance }) => instance },
  { head: 'SEQUENCE', cell: ({ sequence }) => String(sequence), align: 'right' },
  { head: 'LOG', cell: ({ last }) => String(last), align: 'right' },
  { head: 'LAG', cell: ({ lag, lagInMs }) => (lag === 0 ? sayWord('none') : lagInWords(lag, lagInMs)) },
  { head: 'PROBLEMS', cell: ({ problems }) => String(problems), align: 'right' },
  { head: 'OPEN', cell: ({ open }) => String(open), align: 'right' },
  { head: 'MEMORY', cell: ({ memoryInBytes }) => formatBytes(memoryInBytes), align: 'right' },
  { head: 'REBUILD', cell: ({ rebuild: building }) => (building === null ? '' : progress(building)) },
];

async function status(call: Call<InstanceOptions>): Promise<ExitCode> {
  return await withClient(call.options, async ({ history }) => {
    const instances = await instancesOf(history, call.options);
    const rows = await Promise.all(instances.map((instance) => history.status({ instance })));
    printList(call, { rows, columns, name: ({ instance }) => instance, empty: '' });
    return exitCodes.ok;
  });
}

const checkColumns: Column<HistoryCheck['tables'][number] & { instance: string }>[] = [
  { head: 'INSTANCE', cell: ({ instance }) => instance },
  { head: 'TABLE', cell: ({ table }) => table },
  { head: 'ROWS', cell: ({ rows }) => String(rows), align: 'right' },
  { head: 'LIVE', cell: ({ live }) => live.slice(0, 12) },
  { head: 'REBUILT', cell: ({ rebuilt }) => rebuilt.slice(0, 12) },
  { head: '', cell: ({ isEqual }) => sayWord(isEqual ? 'equal' : 'DIFFERENT') },
];

async function check(call: Call<InstanceOptions>): Promise<ExitCode> {
  return await withClient(call.options, async ({ history }) => {
    const checks: HistoryCheck[] = [];
    for (const instance of await instancesOf(history, call.options)) checks.push(await history.check(instance));
    for (const { instance, damage } of checks) {
      if (damage === undefined) continue;
      call.terminal.err.line(
        say('{instance}: the file of the read model is damaged, and is rebuilt from the log: {damage}', { instance, damage }),
      );
    }
    if (call.format === 'table') {
      const rows = checks.flatMap(({ instance, tables }) => tables.map((table) => ({ instance, ...table })));
      printList(call, { rows, columns: checkColumns, name: ({ instance }) => instance, empty: '' });
    } else {
      printList(call, {
        rows: checks,
        columns: [],
        name: ({ instance, isEqual }) => `${instance} ${isEqual ? 'equal' : 'different'}`,
        empty: '',
      });
    }
    return checks.every(({ isEqual }) => isEqual) ? exitCodes.ok : exitCodes.failed;
  });
}

const POLL_IN_MS = 250;
const PROGRESS_EVERY_MS = 2_000;

async function rebuild(call: Call<InstanceOptions>): Promise<ExitCode> {
  const { terminal, options } = call;
  return await withClient(options, async ({ history }) => {
    const done: { seen: HistoryStatus; isNew: boolean }[] = [];
    for (const instance of await instancesOf(history, options)) {
      const one = await rebuildOne(history, instance, (text) => terminal.err.line(say('{instance}: {text}', { instance, text })));
      done.push(one);
      // The log was recreated meanwhile, or the file could not be written.
      if (!one.isNew)
        terminal.err.line(say('{instance}: the old read model still serves; the log of its process has the reason', { instance }));
    }
    printList(call, { rows: done.map(({ seen }) => seen), columns, name: ({ instance }) => instance, empty: '' });
    return done.every(({ isNew }) => isNew) ? exitCodes.ok : exitCodes.failed;
  });
}

async function rebuildOne(history: ClientHistory, instance: string, print: (text: string) => void) {
  const { file } = await history.status({ instance });
  let seen = await history.rebuild(instance);
  for (let saidAt = Number.NEGATIVE_INFINITY; seen.rebuild !== null; seen = await history.status({ instance })) {
    if (performance.now() - saidAt > PROGRESS_EVERY_MS) {
      saidAt = performance.now();
      print(progress(seen.rebuild));
    }
    await sleep(POLL_IN_MS);
  }
  return { seen, isNew: seen.file !== file };
}

function progress({ percent, perSecond, secondsLeft }: NonNullable<HistoryStatus['rebuild']>): string {
  if (secondsLeft === null) return say('{percent} %, {perSecond} messages/s', { percent, perSecond });
  const left = formatDuration(secondsLeft * 1_000);
  return say('{percent} %, {perSecond} messages/s, {left} left', { percent, perSecond, left });
}

function lagInWords(lag: number, lagInMs: number): string {
  const messages = sayCount(lag, ['{count} message', '{count} messages']);
  return say('{messages}, {duration}', { messages, duration: formatDuration(lagInMs) });
}
