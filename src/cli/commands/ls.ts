import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import {
  addFilters,
  type FilterOptions,
  filterOf,
  type MomentOptions,
  momentOf,
  momentOption,
} from '#src/cli/arguments/history-filters.ts';
import { formatMoment, formatTimeOfDay } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { type OutputStream, plain } from '#src/cli/print/terminal.ts';
import type { InvocationSummary } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../call.ts';
import { exitCodes } from '../problem.ts';
import { withClient } from '../session.ts';

type ListOptions = FilterOptions & MomentOptions & { limit: number; cursor?: string; all?: true };

export function lsCommand(): Command {
  return addFilters(
    new Command('ls')
      .summary('list invocations by state, time, text and more')
      .description('Lists invocations, the newest first, from the read model that the projection keeps.')
      .argument('[function]', 'only of this function'),
  )
    .addOption(momentOption())
    .option('-n, --limit <count>', 'the maximum number of rows', parseWhole(1, 500), 50)
    .option('--cursor <cursor>', 'continue after an earlier list')
    .option('--all', 'all pages')
    .addHelpText('after', examples)
    .action(action<ListOptions>(ls));
}

const examples = `
Examples:
  sequent ls orders --state retrying
  sequent ls --status FAIL --since 1h -o json
  sequent ls --at 2026-01-31T12:00:00Z --state running
  sequent ls --text 'timeout customer 4711' --min-attempts 2
  sequent ls --condition EventAgeExceeded --all -o name | xargs -n1 sequent redrive

If there are more rows, stderr ends with the --cursor of the next page.`;

const took = ({ durationInMs }: InvocationSummary): string => (durationInMs === null ? '' : formatDuration(durationInMs));
const why = ({ condition, error }: InvocationSummary): string => [condition, error].filter((part) => part !== null).join(': ');

const columns: Column<InvocationSummary>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'FUNCTION', cell: ({ function: name, qualifier }) => (qualifier === 'latest' ? name : `${name}:${qualifier}`) },
  { head: 'STATE', cell: ({ state }) => state },
  { head: 'STATUS', cell: ({ status }) => status },
  { head: 'ACCEPTED', cell: ({ acceptedAt }) => formatMoment(acceptedAt) },
  { head: 'TOOK', cell: took, align: 'right' },
  { head: 'ATTEMPTS', cell: ({ attempts }) => String(attempts), align: 'right' },
  { head: 'WHY', cell: why },
];

/** The columns for a terminal of 80 columns: the status of an ended invocation, the state of an open one. */
const fewColumns: Column<InvocationSummary>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'FUNCTION', cell: ({ function: name }) => name },
  { head: 'STATE', cell: ({ state, status, endedAt }) => (endedAt === null ? state : status) },
  { head: 'TIME', cell: ({ acceptedAt }) => formatTimeOfDay(acceptedAt).slice(0, 8) },
  { head: 'TOOK', cell: took, align: 'right' },
  { head: 'WHY', cell: why },
];
const WIDE = 110;

function columnsFor({ isTty, columns: width }: OutputStream): Column<InvocationSummary>[] {
  return isTty && width < WIDE ? fewColumns : columns;
}

async function ls(call: Call<ListOptions>): Promise<typeof exitCodes.ok> {
  const { options, terminal } = call;
  const query = {
    ...filterOf(options, call.args[0]),
    ...momentOf(options),
    limit: options.limit,
    ...(options.cursor === undefined ? {} : { cursor: options.cursor }),
  };
  return await withClient(options, async ({ history }) => {
    if (options.all) {
      const rows = await collect(history.all({ ...query, limit: 500 }));
      printList(call, { rows, columns: columnsFor(terminal.out), name: ({ id }) => id, empty: EMPTY });
      return exitCodes.ok;
    }
    const { invocations, cursor } = await history.list(query);
    printList(call, { rows: invocations, columns: columnsFor(terminal.out), name: ({ id }) => id, empty: EMPTY });
    if (cursor !== null) terminal.err.line(terminal.err.paint.dim(plain(`there are more: --cursor ${cursor}`)));
    return exitCodes.ok;
  });
}

const EMPTY = 'no invocation matches';

async function collect(pages: AsyncIterable<InvocationSummary>): Promise<InvocationSummary[]> {
  const rows: InvocationSummary[] = [];
  for await (const row of pages) rows.push(row);
  return rows;
}
