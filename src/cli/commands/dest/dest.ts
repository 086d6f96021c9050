import { Command } from 'commander';
import { circuitListCommand } from './circuit-ls.ts';
import { deadDismissCommand } from './dead-dismiss.ts';
import { deadListCommand } from './dead-ls.ts';
import { deadRedriveCommand } from './dead-redrive.ts';
import { deadShowCommand } from './dead-show.ts';
import { giveUpCommand } from './give-up.ts';
import { graphCommand } from './graph.ts';

export function destinationsCommand(): Command {
  return new Command('dest')
    .alias('destinations')
    .description('The deliveries of outcomes to destinations.')
    .addCommand(circuitListCommand())
    .addCommand(graphCommand())
    .addCommand(giveUpCommand())
    .addCommand(
      new Command('dead')
        .summary('deliveries that were given up: ls, show, redrive, dismiss')
        .description('The deliveries that were given up. The log keeps them until they are redriven, dismissed or purged.')
        .addCommand(deadListCommand())
        .addCommand(deadShowCommand())
        .addCommand(deadRedriveCommand())
        .addCommand(deadDismissCommand()),
    );
}
