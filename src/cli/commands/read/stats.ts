import { Command } from 'commander';
import type { CanaryVerdict } from '#src/analysis/canary/judge-canary.ts';
import { parseDuration } from '#src/cli/arguments/durations.ts';
import {
  addFilters,
  type FilterOptions,
  filterOf,
  type MomentOptions,
  momentOf,
  momentOption,
} from '#src/cli/arguments/history-filters.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { fallback } from '#src/core/fallback.ts';
import type { FunctionAlias } from '#src/core/functions/entry.ts';
import type { StatsRow } from '#src/core/history-questions.ts';
import { splitName } from '#src/core/names/names.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../../call.ts';
import { askFresh } from '../../history/ask-fresh.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { addWatch, type WatchOptions, watching } from '../../watch.ts';

type StatsOptions = FilterOptions & MomentOptions & WatchOptions & { by?: number | 'version' };

export function statsCommand(): Command {
  const command = addFilters(
    new Command('stats')
      .description('Counts invocations by state and condition, with percentiles of the time from acceptance to outcome, per function.')
      .argument('[function]', 'only of this function'),
  )
    .addOption(momentOption())
    .option('--by <duration|version>', 'in time buckets of this length, or a row for each version that ran', bucketOrVersion);
  return addWatch(command)
    .addHelpText(
      'after',
      '\nExamples:\n  sequent stats --since 1h\n  sequent stats orders --since 1d --by 1h -o json\n  sequent stats orders --by version --qualifier !prod',
    )
    .action(action<StatsOptions>(stats));
}

function bucketOrVersion(text: string): number | 'version' {
  return text === 'version' ? text : parseDuration(text);
}

const open = ({ byState }: StatsRow): number => (byState.queued ?? 0) + (byState.running ?? 0) + (byState.retrying ?? 0);
const failed = ({ byCondition }: StatsRow): number => Object.values(byCondition).reduce((sum, count) => sum + count, 0);
const time = (read: (times: NonNullable<StatsRow['durationInMs']>) => number) => (row: StatsRow) =>
  row.durationInMs === null ? '' : formatDuration(read(row.durationInMs));

const columns: Column<StatsRow>[] = [
  { head: 'FUNCTION', cell: ({ function: name }) => name },
  { head: 'FROM', cell: ({ from }) => (from === null ? '' : formatMoment(from)) },
  { head: 'ACCEPTED', cell: ({ accepted }) => String(accepted), align: 'right' },
  { head: 'OPEN', cell: (row) => String(open(row)), align: 'right' },
  { head: 'FAILED', cell: (row) => String(failed(row)), align: 'right' },
  { head: 'P50', cell: time(({ p50 }) => p50), align: 'right' },
  { head: 'P90', cell: time(({ p90 }) => p90), align: 'right' },
  { head: 'P99', cell: time(({ p99 }) => p99), align: 'right' },
  { head: 'MAX', cell: time(({ max }) => max), align: 'right' },
  {
    head: 'WHY',
    cell: ({ byCondition }) =>
      Object.entries(byCondition)
        .map(([condition, count]) => `${condition} ${count}`)
        .join(', '),
  },
];

async function stats(call: Call<StatsOptions>): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, (client) => printStats(call, client));
}

/** Prints the counts, again and again with `--watch`. */
export async function printStats(call: Call<StatsOptions>, client: SequentClient): Promise<typeof exitCodes.ok> {
  const { options } = call;
  const query = {
    ...filterOf(options, call.args[0]),
    ...momentOf(options),
    ...(options.by === undefined ? {} : options.by === 'version' ? { by: options.by } : { bucketInMs: options.by }),
  };
  await watching(call, async (shown) => {
    const rows = await askFresh(client, shown, (freshness) => client.history.stats(query, freshness));
    const isByVersion = options.by === 'version';
    printList(shown, {
      rows,
      columns: isByVersion ? versionColumns(rows) : columns,
      name: ({ function: name, version }) => (isByVersion ? `${name}:${version ?? ''}` : name),
      empty: say('no invocation matches'),
      dropOrder: ['FROM', 'MAX', 'P90', 'OF ALL', 'P99', 'OPEN', 'P50'],
    });
    if (isByVersion) await printVerdicts(shown, client, rows, momentOf(options));
    return true;
  });
  return exitCodes.ok;
}

/** The columns of the comparison of versions, with the share of each in the invocations of its function. */
function versionColumns(rows: readonly StatsRow[]): Column<StatsRow>[] {
  const totalOf = (name: string): number => rows.filter((row) => row.function === name).reduce((sum, { accepted }) => sum + accepted, 0);
  const [first, , ...others] = columns;
  return [
    ...(first === undefined ? [] : [first]),
    { head: 'VERSION', cell: ({ version }) => version ?? say('(no attempt)') },
    { head: 'OF ALL', cell: ({ function: name, accepted }) => `${Math.round((accepted / totalOf(name)) * 100)} %`, align: 'right' },
    ...others.slice(0, 3),
    { head: 'RETRIED', cell: ({ retried = 0 }) => String(retried), align: 'right' },
    ...others.slice(3),
  ];
}

/** Says which canary is significantly worse or better, for each alias with weights, by the requests of the alias since they were set. */
async function printVerdicts(
  call: Call,
  { functions, history }: SequentClient,
  rows: readonly StatsRow[],
  moment: MomentQuery,
): Promise<void> {
  const { countsByVersion, judgeCanary, judgedInvocations } = await import('#src/analysis/canary/judge-canary.ts');
  for (const name of new Set(rows.map((row) => row.function)))
    for (const alias of await aliasesOf(functions, name)) {
      if (Object.keys(alias.weights).length === 0) continue;
      const judged = judgedInvocations(alias);
      const project = splitName(name).project ?? '';
      const counts = countsByVersion(await history.stats({ ...judged, ...moment, function: name, project, by: 'version' }));
      for (const verdict of judgeCanary(name, alias, counts)) printVerdict(call, alias, judged.since, verdict);
    }
}

type MomentQuery = ReturnType<typeof momentOf>;

function printVerdict({ terminal: { err } }: Call, { name, auto }: FunctionAlias, since: number, verdict: CanaryVerdict): void {
  const { version, weight, share, text, remedy, automatic } = verdict;
  const shares = say('!{alias}: {version} has {share} of the requests since {time} (weight {weight} %)', {
    ...{ alias: name, version, weight, time: formatMoment(since) },
    share: share === undefined ? say('none') : `${Math.round(share)} %`,
  });
  const judgement = remedy === undefined || isSet(auto) ? text : say('{text}; try: {remedy}', { text, remedy });
  const line = plain(`${shares}; ${judgement}`);
  err.line(verdict.verdict === 'worse' ? err.paint.red(line) : line);
  if (automatic?.kind === 'undecided') {
    const remedies = automatic.commands.join('; ');
    err.line(plain(say('!{alias}: {text}; or decide: {remedies}', { alias: name, text: automatic.text, remedies })));
  } else if (isSet(auto)) err.line(say('!{alias}: Sequent promotes {version} or rolls it back by itself', { alias: name, version }));
}

const isSet = (auto: FunctionAlias['auto']): boolean => auto !== undefined && auto !== null;

/** Empty for a function that was deleted since. */
async function aliasesOf(functions: SequentClient['functions'], name: string): Promise<readonly FunctionAlias[]> {
  const { FunctionNotFoundError } = await import('#src/core/errors.ts');
  return await functions.get(name).then(({ aliases }) => aliases, fallback([], FunctionNotFoundError));
}
