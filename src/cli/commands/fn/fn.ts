import { Command } from 'commander';
import { aliasCommand } from './alias.ts';
import { getCommand } from './get.ts';
import { listCommand } from './ls.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { publishCommand } from './publish.ts';
import { putCommand } from './put.ts';
import { removeCommand } from './rm.ts';
import { versionsCommand } from './versions.ts';

export function functionsCommand(): Command {
  return new Command('fn')
    .alias('functions')
    .summary('functions: ls, get, put, rm, pause, resume, publish, versions, alias')
    .description('The definitions of functions, their versions and aliases.')
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(putCommand())
    .addCommand(removeCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
    .addCommand(publishCommand())
    .addCommand(versionsCommand())
    .addCommand(aliasCommand());
}
