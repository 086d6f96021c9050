import { Command } from 'commander';
import { formatDuration } from '#src/core/format-duration.ts';
import type { InvocationSummary } from '#src/core/history.ts';
import { type Call, performs } from '../call.ts';
import { formatMoment, parseWhole } from '../durations.ts';
import { addFilters, type FilterOptions, filterOf, type MomentOptions, momentOf, momentOption } from '../history-filters.ts';
import { type Column, printList } from '../output.ts';
import { exitCodes } from '../problem.ts';
import { withClient } from '../session.ts';
import { plain } from '../terminal.ts';

type ListOptions = FilterOptions & MomentOptions & { limit: number; cursor?: string; all?: true };

export function lsCommand(): Command {
  return addFilters(
    new Command('ls')
      .summary('invocations, by whatever is known of them')
      .description('Lists invocations, the newest first, from the read model that the projection keeps.')
      .argument('[function]', 'only of this function'),
  )
    .addOption(momentOption())
    .option('-n, --limit <count>', 'how many at most', parseWhole(1, 500), 50)
    .option('--cursor <cursor>', 'go on where an earlier list ended')
    .option('--all', 'all of them, page after page')
    .addHelpText('after', examples)
    .action(performs<ListOptions>(ls));
}

const examples = `
Examples:
  sequent ls orders --state retrying
  sequent ls --status FAIL --since 1h -o json
  sequent ls --at 2026-01-31T12:00:00Z --state running
  sequent ls --text 'timeout customer 4711' --min-attempts 2
  sequent ls --condition EventAgeExceeded --all -o name | xargs -n1 sequent redrive

A list that was cut ends with the --cursor of its next page, on stderr.`;

const columns: Column<InvocationSummary>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'FUNCTION', cell: ({ function: name, qualifier }) => (qualifier === 'latest' ? name : `${name}:${qualifier}`) },
  { head: 'STATE', cell: ({ state }) => state },
  { head: 'STATUS', cell: ({ status }) => status },
  { head: 'ACCEPTED', cell: ({ acceptedAt }) => formatMoment(acceptedAt) },
  { head: 'TOOK', cell: ({ durationInMs }) => (durationInMs === null ? '' : formatDuration(durationInMs)), align: 'right' },
  { head: 'ATTEMPTS', cell: ({ attempts }) => String(attempts), align: 'right' },
  { head: 'WHY', cell: ({ condition, error }) => [condition, error].filter((part) => part !== null).join(': ') },
];

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
      printList(call, { rows, columns, name: ({ id }) => id, empty: EMPTY });
      return exitCodes.ok;
    }
    const { invocations, cursor } = await history.list(query);
    printList(call, { rows: invocations, columns, name: ({ id }) => id, empty: EMPTY });
    if (cursor !== null) terminal.err.line(terminal.err.paint.dim(plain(`there are more: --cursor ${cursor}`)));
    return exitCodes.ok;
  });
}

const EMPTY = 'no invocation is like that';

async function collect(pages: AsyncIterable<InvocationSummary>): Promise<InvocationSummary[]> {
  const rows: InvocationSummary[] = [];
  for await (const row of pages) rows.push(row);
  return rows;
}
