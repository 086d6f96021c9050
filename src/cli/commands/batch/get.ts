import { Command } from 'commander';
import { formatMoment } from '#src/cli/print/format.ts';
import { factLines, printOne } from '#src/cli/print/output.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import { type FoundBatch, findBatch } from '#src/client/batches.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { addWatch, type WatchOptions, watching } from '../../watch.ts';
import { addBatchArgument, type BatchOwnerOptions, canChange, countsOf, progressOf, stateInWords } from './in-words.ts';

type GetOptions = BatchOwnerOptions & WatchOptions;

export function getCommand(): Command {
  const command = new Command('get').summary('show a batch and the counts of its members');
  return addWatch(addBatchArgument(command.description('Shows how many members of a batch are in each state.')))
    .addHelpText('after', '\nWith --watch, the command ends when the batch is over and its destinations are told.')
    .action(action<GetOptions>(get));
}

async function get(call: Call<GetOptions>): Promise<typeof exitCodes.ok> {
  const { options, args } = call;
  await withClient(options, async (client) => {
    await watching(call, async (shown) => {
      const atLeast = await client.lastSequence();
      const found = await findBatch(client.history, { id: args[0] ?? '', function: options.function }, { atLeast });
      printOne(shown, { value: found, name: found.id, lines: () => describe(found, call) });
      return canChange(found);
    });
  });
  return exitCodes.ok;
}

function describe(found: FoundBatch, { terminal: { out } }: Call): string[] {
  const { id, function: name, openedAs, firstAt, lastAt, sequence } = found;
  const facts: [string, string][] = [
    [say('function'), name],
    [say('state'), stateInWords(found)],
    ...(openedAs === null ? [] : [[say('request'), openedAs] as [string, string]]),
    ...(firstAt === null || lastAt === null
      ? []
      : [[say('accepted'), say('{from} to {to}', { from: formatMoment(firstAt), to: formatMoment(lastAt) })] as [string, string]]),
    [say('members'), progressOf(found)],
    ...countsOf(found).map(([label, count]): [string, string] => [label, String(count)]),
    [say('as of'), say('message {sequence} of the log', { sequence })],
  ];
  return [out.paint.bold(plain(id)), ...factLines(facts, out)];
}
