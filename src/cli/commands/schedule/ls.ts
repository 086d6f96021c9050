import { Command } from 'commander';
import { type Column, printList } from '#src/cli/print/output.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { ScheduleState } from '#src/functions/schedule-states.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { scheduleJson, timeInZone } from './in-words.ts';

export function listCommand(): Command {
  return new Command('ls').alias('list').summary('list the schedules').description('Lists the schedules.').action(action(list));
}

const columns: Column<ScheduleState>[] = [
  { head: 'NAME', cell: ({ schedule }) => schedule.name },
  { head: 'FUNCTION', cell: ({ schedule: { function: fn, qualifier } }) => (qualifier === undefined ? fn : `${fn}:${qualifier}`) },
  { head: 'CRON', cell: ({ schedule }) => schedule.cron },
  { head: 'TIME ZONE', cell: ({ schedule }) => schedule.timeZone },
  { head: 'FIRED', cell: ({ progress }) => String(progress.fired), align: 'right' },
  {
    head: 'NEXT',
    cell: ({ schedule, next: [first] }) =>
      schedule.paused ? sayWord('paused') : first === undefined ? sayWord('never') : timeInZone(first.dueAt, 'UTC'),
  },
  { head: 'DESCRIPTION', cell: ({ schedule }) => schedule.description },
];

async function list(call: Call): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, async ({ schedules }) => {
    printList(call, {
      rows: await schedules.list(),
      columns,
      name: ({ schedule }) => schedule.name,
      toJson: scheduleJson,
      empty: say("no schedule is defined yet; try: sequent schedule put nightly --cron '0 3 * * *' --function <function>"),
    });
    return exitCodes.ok;
  });
}
