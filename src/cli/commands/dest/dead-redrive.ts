import { Command } from 'commander';
import { parseRate } from '#src/cli/arguments/rate.ts';
import { say } from '#src/cli/texts/say.ts';
import { bulkTexts } from '../../bulk-texts.ts';
import { action, type Call } from '../../call.ts';
import type { ExitCode } from '../../problem.ts';
import { withDeadLetterFilters } from './filters.ts';
import { type DeadLetterOptions, onDeadLetters } from './on-dead-letters.ts';

export function deadRedriveCommand(): Command {
  return withDeadLetterFilters(
    new Command('redrive')
      .summary('deliver again')
      .description('Redrives deliveries that were given up: those of one invocation, or all that match. The function does not run again.')
      .argument('[id]', 'the request id'),
  )
    .option('--all', 'all dead deliveries')
    .option('--dry-run', 'only list the deliveries')
    .option('--rate <rate>', 'the maximum rate: 50/s, 100/m', parseRate)
    .option('-y, --yes', 'do not ask for a confirmation')
    .addHelpText('after', examples)
    .action(action<DeadLetterOptions>(redrive));
}

const examples = `
Examples:
  sequent dest dead redrive 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent dest dead redrive --function orders --destination http-0 --since 2h --dry-run
  sequent dest dead redrive --function orders --rate 50/s --yes

Exit codes: 0 all, 1 not all, 2 no selection, 3 no such invocation, 4 none of its deliveries is dead.`;

async function redrive(call: Call<DeadLetterOptions>): Promise<ExitCode> {
  return await onDeadLetters(call, {
    texts: bulkTexts.redrive,
    past: 'redriven',
    note: () => say('is redriven'),
    describe: (destination) => say('{destination} is redriven', { destination }),
    perform: (repair, { id, destination, ...of }) => repair.redeliver(id, destination, of),
  });
}
