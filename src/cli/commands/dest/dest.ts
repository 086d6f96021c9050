import { Command } from 'commander';
import { deadListCommand } from './dead-ls.ts';
import { deadRedriveCommand } from './dead-redrive.ts';
import { deadShowCommand } from './dead-show.ts';

export function destinationsCommand(): Command {
  return new Command('dest')
    .alias('destinations')
    .summary('destinations: dead letters')
    .description('What became of the outcomes that destinations were to be told about.')
    .addCommand(
      new Command('dead')
        .summary('deliveries that were given up: ls, show, redrive')
        .description('The deliveries that were given up. They are folded from the log, and wait until somebody has them tried again.')
        .addCommand(deadListCommand())
        .addCommand(deadShowCommand())
        .addCommand(deadRedriveCommand()),
    );
}
