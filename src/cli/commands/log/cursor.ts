import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { Cursor } from '#src/client/client.ts';
import { action, type Call } from '../../call.ts';
import { CommandError, type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

export function cursorCommand(): Command {
  return new Command('cursor')
    .alias('cursors')
    .description('The positions in the log that durable subscribers keep in JetStream (sequent tail --durable, client.transitions).')
    .addCommand(
      new Command('ls')
        .alias('list')
        .summary('list the cursors')
        .description('Lists the cursors with their last sequence and the number of waiting messages.')
        .action(action(list)),
    )
    .addCommand(
      withDryRun(new Command('rm'))
        .summary('remove a cursor')
        .description('Removes a cursor. The next subscriber of that name starts again.')
        .argument('<name>', 'the name of the cursor')
        .addHelpText('after', '\nExit codes: 0 removed, 3 no such cursor.')
        .action(action(remove)),
    );
}

const columns: Column<Cursor>[] = [
  { head: 'NAME', cell: ({ name }) => name },
  { head: 'READ UP TO', cell: ({ acknowledged }) => String(acknowledged), align: 'right' },
  { head: 'WAITING', cell: ({ waiting }) => String(waiting), align: 'right' },
  { head: 'HELD', cell: ({ held }) => String(held), align: 'right' },
  { head: 'READER', cell: ({ isAttended }) => sayWord(isAttended ? 'yes' : 'no') },
  { head: 'SINCE', cell: ({ createdAt }) => formatMoment(createdAt) },
  { head: 'FOLLOWS', cell: ({ follows }) => follows },
];

async function list(call: Call): Promise<ExitCode> {
  return await withClient(call.options, async ({ cursors }) => {
    printList(call, { rows: await cursors.list(), columns, name: ({ name }) => name, empty: say('there is no cursor') });
    return exitCodes.ok;
  });
}

async function remove({ args, options, terminal }: Call): Promise<ExitCode> {
  const [name = ''] = args;
  return await withClient(options, async ({ cursors }) => {
    if (await cursors.remove(name)) {
      terminal.err.line(say('cursor {name} is removed', { name }));
      return exitCodes.ok;
    }
    const problem = { code: 'CURSOR_NOT_FOUND', exitCode: exitCodes.notFound, what: say('there is no cursor "{name}"', { name }) };
    throw new CommandError({ ...problem, why: 'no durable subscriber has this name', remedy: 'sequent cursor ls' });
  });
}
