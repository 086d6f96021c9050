import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { say } from '#src/cli/texts/say.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { noteOption } from './filters.ts';
import { printDestinations } from './on-dead-letters.ts';

type GiveUpOptions = { function?: string; destination?: string; note: string; yes?: true };

export function giveUpCommand(): Command {
  return withDryRun(new Command('give-up'))
    .summary('end deliveries that are still tried')
    .description(
      'Ends the open deliveries of an invocation, so that it is settled. The log keeps the note. A later redrive can still deliver the outcome.',
    )
    .argument('<id>', 'the request id')
    .option('--function <name>', 'its function, if several functions were invoked with one id')
    .option('--destination <id>', 'only to this destination, such as http-0, or to all of a kind, such as http')
    .addOption(noteOption())
    .addHelpText('after', examples)
    .action(action<GiveUpOptions>(giveUp));
}

const examples = `
Examples:
  sequent dest give-up order-4711 --note "the warehouse was told by phone"
  sequent dest give-up order-4711 --destination http-0 --note "the receiver was shut down"

A try in progress may still reach its target; its result is not recorded.
Exit codes: 0 given up, 3 no such invocation, 4 none of its deliveries is open.`;

async function giveUp(call: Call<GiveUpOptions>): Promise<ExitCode> {
  const { args, options } = call;
  const id = args[0] ?? '';
  return await withClient(options, async ({ repair }) => {
    const { function: name, destination, note } = options;
    const destinations = await repair.giveUp(id, { function: name, destination, note });
    printDestinations(call, {
      id,
      past: 'givenUp',
      describe: (destination) => say('the delivery to {destination} is given up', { destination }),
      destinations,
    });
    return exitCodes.ok;
  });
}
