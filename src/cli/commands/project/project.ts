import { Command } from 'commander';
import { encryptCommand } from './encrypt.ts';
import { eraseCommand } from './erase.ts';
import { listCommand } from './ls.ts';
import { quotaCommand } from './quota.ts';

export function projectCommand(): Command {
  return new Command('project')
    .description('The quotas of a project, the encryption of its payloads, and the erasure of a project by its key.')
    .addCommand(listCommand())
    .addCommand(quotaCommand())
    .addCommand(encryptCommand())
    .addCommand(eraseCommand());
}
