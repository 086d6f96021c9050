import { Command } from 'commander';
import { type Column, printList } from '#src/cli/print/output.ts';
import type { DeadLetter } from '#src/client/client.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { type DeadLetterFilters, filterOf, withDeadLetterFilters } from './filters.ts';

export function deadListCommand(): Command {
  return withDeadLetterFilters(
    new Command('ls')
      .alias('list')
      .summary('list dead deliveries')
      .description('Lists the deliveries that were given up, the oldest first.'),
  )
    .addHelpText('after', examples)
    .action(action<DeadLetterFilters>(list));
}

const examples = `
Examples:
  sequent dest dead ls
  sequent dest dead ls --function orders --since 2h
  sequent dest dead ls --destination http -o jsonl | jq -r .reason | sort | uniq -c`;

const columns: Column<DeadLetter>[] = [
  { head: 'REQUEST', cell: ({ requestId }) => requestId },
  { head: 'FUNCTION', cell: ({ function: name }) => name },
  { head: 'DESTINATION', cell: ({ destination }) => destination },
  { head: 'TRIES', cell: ({ tries }) => String(tries), align: 'right' },
  { head: 'GIVEN UP', cell: ({ at }) => new Date(at).toISOString() },
  { head: 'REASON', cell: ({ reason }) => reason },
];

async function list(call: Call<DeadLetterFilters>): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, async ({ repair }) => {
    printList(call, {
      rows: await repair.deadLetters(filterOf(call.options)),
      columns,
      name: ({ requestId }) => requestId,
      empty: 'no delivery was given up',
    });
    return exitCodes.ok;
  });
}
