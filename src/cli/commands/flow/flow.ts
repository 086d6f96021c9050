import { Command } from 'commander';
import { listCommand } from './ls.ts';

export function flowCommand(): Command {
  return new Command('flow')
    .description('The flow of a function limits its attempts over all workers: of the function, of each key, or of a pool of functions.')
    .addCommand(listCommand());
}
