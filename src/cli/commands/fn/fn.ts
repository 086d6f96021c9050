import { Command } from 'commander';
import { aliasCommand } from './alias.ts';
import { codeCommand } from './code.ts';
import { eventCommand } from './event.ts';
import { deployCommand } from './folder/deploy.ts';
import { exportCommand } from './folder/export.ts';
import { getCommand } from './get.ts';
import { listCommand } from './ls.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { publishCommand } from './publish.ts';
import { putCommand } from './put.ts';
import { removeCommand } from './rm.ts';
import { setCommand } from './set.ts';
import { versionsCommand } from './versions.ts';

export function functionsCommand(): Command {
  return new Command('fn')
    .alias('functions')
    .description('The definitions of functions, their versions and aliases.')
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(putCommand())
    .addCommand(setCommand())
    .addCommand(codeCommand())
    .addCommand(removeCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
    .addCommand(publishCommand())
    .addCommand(versionsCommand())
    .addCommand(aliasCommand())
    .addCommand(eventCommand())
    .addCommand(deployCommand())
    .addCommand(exportCommand());
}
