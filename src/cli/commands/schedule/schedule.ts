import { Command } from 'commander';
import { getCommand } from './get.ts';
import { listCommand } from './ls.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { putCommand } from './put.ts';
import { removeCommand } from './rm.ts';
import { runCommand } from './run.ts';

export function scheduleCommand(): Command {
  return new Command('schedule')
    .alias('schedules')
    .description('Schedules invoke functions again and again: at the times of a cron expression in a time zone.')
    .addCommand(putCommand())
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(removeCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
    .addCommand(runCommand());
}
