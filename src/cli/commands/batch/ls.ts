import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { BatchSummary } from '#src/core/batch-questions.ts';
import { askFresh } from '../../ask-fresh.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { countsOf, progressOf } from './in-words.ts';

type ListOptions = { limit: number; cursor?: string };

export function listCommand(): Command {
  return new Command('ls')
    .alias('list')
    .summary('list the batches')
    .description('Lists the batches with the counts of their members, the greatest id first.')
    .argument('[function]', 'only of this function')
    .option('-n, --limit <count>', 'the maximum number of rows', parseWhole(1, 100), 20)
    .option('--cursor <cursor>', 'continue after an earlier list')
    .action(action<ListOptions>(list));
}

const columns: Column<BatchSummary>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'FUNCTION', cell: ({ function: name }) => name },
  { head: 'STATE', cell: ({ state }) => sayWord(state) },
  { head: 'STARTED', cell: ({ openedAt, firstAt }) => formatMoment(openedAt ?? firstAt ?? 0) },
  { head: 'PROGRESS', cell: progressOf },
  {
    head: 'MEMBERS',
    cell: (batch) =>
      countsOf(batch)
        .map(([state, count]) => say('{count} {state}', { count, state }))
        .join(', '),
  },
];

async function list(call: Call<ListOptions>): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, (client) => printBatches(call, client));
}

/** Prints a page of batches. */
export async function printBatches(call: Call<ListOptions>, client: SequentClient): Promise<typeof exitCodes.ok> {
  const { options, args } = call;
  const [name] = args;
  const given = { ...(name === undefined ? {} : { function: name }), ...(options.cursor === undefined ? {} : { cursor: options.cursor }) };
  const { batches, cursor } = await askFresh(client, call, (freshness) =>
    client.history.batches({ ...given, limit: options.limit }, freshness),
  );
  printList(call, {
    rows: batches,
    columns,
    name: ({ id }) => id,
    empty: say('no batch matches; try: sequent invoke <function> --batch <file>'),
  });
  const { err } = call.terminal;
  if (cursor !== null) err.line(err.paint.dim(plain(say('there are more: --cursor {cursor}', { cursor }))));
  return exitCodes.ok;
}
