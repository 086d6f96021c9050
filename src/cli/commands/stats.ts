import { Command } from 'commander';
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
import type { StatsRow } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../call.ts';
import { exitCodes } from '../problem.ts';
import { withClient } from '../session.ts';

type StatsOptions = FilterOptions & MomentOptions & { by?: number };

export function statsCommand(): Command {
  return addFilters(
    new Command('stats')
      .summary('counts and times per function')
      .description('Counts invocations by state and condition, with percentiles of the time from acceptance to outcome, per function.')
      .argument('[function]', 'only of this function'),
  )
    .addOption(momentOption())
    .option('--by <duration>', 'in time buckets of this length', parseDuration)
    .addHelpText('after', '\nExamples:\n  sequent stats --since 1h\n  sequent stats orders --since 1d --by 1h -o json')
    .action(action<StatsOptions>(stats));
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
  const { options } = call;
  return await withClient(options, async ({ history }) => {
    const query = {
      ...filterOf(options, call.args[0]),
      ...momentOf(options),
      ...(options.by === undefined ? {} : { bucketInMs: options.by }),
    };
    printList(call, {
      rows: await history.stats(query),
      columns,
      name: ({ function: name }) => name,
      empty: 'no invocation matches',
    });
    return exitCodes.ok;
  });
}
