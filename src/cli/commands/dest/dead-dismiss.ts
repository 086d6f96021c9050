import { Command } from 'commander';
import { say } from '#src/cli/texts/say.ts';
import { bulkTexts } from '../../bulk-texts.ts';
import { action, type Call } from '../../call.ts';
import type { ExitCode } from '../../problem.ts';
import { noteOption, withDeadLetterFilters } from './filters.ts';
import { type DeadLetterOptions, onDeadLetters } from './on-dead-letters.ts';

type DismissOptions = Omit<DeadLetterOptions, 'rate'> & { note: string };

export function deadDismissCommand(): Command {
  return withDeadLetterFilters(
    new Command('dismiss')
      .summary('dismiss dead deliveries, with a note')
      .description(
        'Dismisses deliveries that were given up: those of one invocation, or all that match. They are no dead letters any more; the log keeps the note, and a redrive still works.',
      )
      .argument('[id]', 'the request id'),
  )
    .option('--all', 'all dead deliveries')
    .addOption(noteOption())
    .option('--dry-run', 'only list the deliveries')
    .option('-y, --yes', 'do not ask for a confirmation')
    .addHelpText('after', examples)
    .action(action<DismissOptions>(dismiss));
}

const examples = `
Examples:
  sequent dest dead dismiss order-4711 --note "refunded by hand"
  sequent dest dead dismiss --function orders --since 2h --note "the receiver lost a day" --dry-run

Exit codes: 0 all, 1 not all, 2 no selection, 3 no such invocation, 4 none of its deliveries is dead.`;

async function dismiss(call: Call<DismissOptions>): Promise<ExitCode> {
  const { note } = call.options;
  return await onDeadLetters(call, {
    texts: bulkTexts.dismiss,
    past: 'dismissed',
    note: () => say('is dismissed'),
    describe: (destination) => say('the delivery to {destination} is dismissed', { destination }),
    perform: (repair, { id, ...which }) => repair.dismiss(id, { ...which, note }),
  });
}
