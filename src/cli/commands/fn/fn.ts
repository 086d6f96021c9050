import { Command } from 'commander';
import { getCommand } from './get.ts';
import { listCommand } from './ls.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { putCommand } from './put.ts';
import { removeCommand } from './rm.ts';

export function functionsCommand(): Command {
  return new Command('fn')
    .alias('functions')
    .summary('functions: ls, get, put, rm, pause, resume')
    .description('The functions that can be invoked, and how each of them runs.')
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(putCommand())
    .addCommand(removeCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand());
}
