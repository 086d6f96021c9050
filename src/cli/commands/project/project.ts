import { Command } from 'commander';
import { encryptCommand } from './encrypt.ts';
import { eraseCommand } from './erase.ts';
import { listCommand } from './ls.ts';

export function projectCommand(): Command {
  return new Command('project')
    .description('The encryption of the payloads of a project, and the erasure of a project by its key.')
    .addCommand(listCommand())
    .addCommand(encryptCommand())
    .addCommand(eraseCommand());
}
