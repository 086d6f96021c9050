import { Command, Option } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import {
  addFilters,
  type FilterOptions,
  filterOf,
  type MomentOptions,
  momentOf,
  momentOption,
} from '#src/cli/arguments/history-filters.ts';
import { flowWaitInWords } from '#src/cli/print/flow-in-words.ts';
import { formatMoment, formatTimeOfDay } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { type OutputStream, plain } from '#src/cli/print/terminal.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { type InvocationSummary, type ListOrder, listOrders } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../../call.ts';
import { askFresh } from '../../history/ask-fresh.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { addWatch, type WatchOptions, watching } from '../../watch.ts';

type ListOptions = FilterOptions & MomentOptions & WatchOptions & { limit: number; cursor?: string; all?: true; sort?: ListOrder };

export function lsCommand(): Command {
  const command = addFilters(
    new Command('ls')
      .description('Lists invocations, the newest first or in another order, from the read model that the projection keeps.')
      .argument('[function]', 'only of this function'),
  )
    .addOption(momentOption())
    .option('-n, --limit <count>', 'the maximum number of rows', parseWhole(1, 500), 50)
    .addOption(new Option('--sort <order>', 'the order of the rows (default: newest)').choices(listOrders))
    .option('--cursor <cursor>', 'continue after an earlier list')
    .option('--all', 'all pages');
  return addWatch(command).addHelpText('after', examples).action(action<ListOptions>(ls));
}

/** The order in which a narrow terminal drops columns. */
const DROP_ORDER = ['VERSION', 'ATTEMPTS', 'ACCEPTED', 'TOOK', 'TIME', 'STATUS', 'FUNCTION'] as const;

const examples = `
Examples:
  sequent ls orders --state retrying
  sequent ls orders --qualifier '!prod' --version v2
  sequent ls --status FAIL --since 1h -o json
  sequent ls --state running --watch
  sequent ls orders --since 1h --sort longest -n 10
  sequent ls --at 2026-01-31T12:00:00Z --state running
  sequent ls --state queued --due-before 1h
  sequent ls --waits-for orders --flow-key customer-7 --wait-kind rate
  sequent ls orders --priority 9 --state queued
  sequent ls --text 'timeout customer 4711' --min-attempts 2
  sequent ls --condition EventAgeExceeded --all -o name | xargs -n1 sequent redrive

If there are more rows, stderr ends with the --cursor of the next page.
Below 110 columns a terminal shows fewer columns; a narrower one drops ${DROP_ORDER.join(', ')}, in this order.`;

const took = ({ durationInMs }: InvocationSummary): string => (durationInMs === null ? '' : formatDuration(durationInMs));
function waitInWords(wait: string, priority: number | null | undefined): string {
  const text = say('waits for {wait}', { wait });
  return typeof priority === 'number' ? say('{text}, priority {priority}', { text, priority }) : text;
}

const why = ({ state, dueAt, condition, error, priority, ...wait }: InvocationSummary): string => {
  const waitsFor = flowWaitInWords(wait);
  if (waitsFor !== null) return waitInWords(waitsFor, priority);
  if (state === 'queued' && typeof dueAt === 'number') return say('due {time}', { time: formatMoment(dueAt) });
  // A cancellation has its condition as the type of its error.
  const isNamed = condition !== null && error?.startsWith(`${condition}: `) === true;
  return [isNamed ? null : condition, error].filter((part) => part !== null).join(': ');
};

const columns: Column<InvocationSummary>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'FUNCTION', cell: ({ function: name, qualifier }) => (qualifier === 'latest' ? name : `${name}:${qualifier}`) },
  { head: 'VERSION', cell: ({ version }) => version ?? '' },
  { head: 'STATE', cell: ({ state }) => sayWord(state) },
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
  { head: 'STATE', cell: ({ state, status, endedAt }) => (endedAt === null ? sayWord(state) : status) },
  { head: 'TIME', cell: ({ acceptedAt }) => formatTimeOfDay(acceptedAt).slice(0, 8) },
  { head: 'TOOK', cell: took, align: 'right' },
  { head: 'WHY', cell: why },
];
const WIDE = 110;

function columnsFor({ isTty, columns: width }: OutputStream): Column<InvocationSummary>[] {
  return isTty && width < WIDE ? fewColumns : columns;
}

async function ls(call: Call<ListOptions>): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, (client) => printInvocations(call, client));
}

/** Prints the invocations that match, again and again with `--watch`. */
export async function printInvocations(call: Call<ListOptions>, client: SequentClient): Promise<typeof exitCodes.ok> {
  const { options, terminal } = call;
  const query = {
    ...filterOf(options, call.args[0]),
    ...momentOf(options),
    limit: options.limit,
    ...(options.sort === undefined ? {} : { order: options.sort }),
    ...(options.cursor === undefined ? {} : { cursor: options.cursor }),
  };
  await watching(call, async (shown) => {
    const { invocations, cursor } = await askFresh(client, shown, async (freshness) =>
      options.all
        ? { invocations: await collect(client.history.all({ ...query, limit: 500 }, freshness)), cursor: null }
        : await client.history.list(query, freshness),
    );
    printList(shown, {
      rows: invocations,
      columns: columnsFor(terminal.out),
      name: ({ id }) => id,
      empty: say('no invocation matches'),
      dropOrder: DROP_ORDER,
    });
    const { err } = shown.terminal;
    if (cursor !== null) err.line(err.paint.dim(plain(say('there are more: --cursor {cursor}', { cursor }))));
    return true;
  });
  return exitCodes.ok;
}

async function collect(pages: AsyncIterable<InvocationSummary>): Promise<InvocationSummary[]> {
  const rows: InvocationSummary[] = [];
  for await (const row of pages) rows.push(row);
  return rows;
}
