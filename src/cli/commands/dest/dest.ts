import { Command } from 'commander';
import { circuitListCommand } from './circuit-ls.ts';
import { deadListCommand } from './dead-ls.ts';
import { deadRedriveCommand } from './dead-redrive.ts';
import { deadShowCommand } from './dead-show.ts';

export function destinationsCommand(): Command {
  return new Command('dest')
    .alias('destinations')
    .summary('destinations: dead targets and dead letters')
    .description('The deliveries of outcomes to destinations.')
    .addCommand(circuitListCommand())
    .addCommand(
      new Command('dead')
        .summary('deliveries that were given up: ls, show, redrive')
        .description('The deliveries that were given up. The log keeps them until they are redriven or purged.')
        .addCommand(deadListCommand())
        .addCommand(deadShowCommand())
        .addCommand(deadRedriveCommand()),
    );
}
