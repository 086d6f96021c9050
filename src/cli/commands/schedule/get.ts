import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { printOne } from '#src/cli/print/output.ts';
import { cut, plain } from '#src/cli/print/terminal.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { ScheduleState } from '#src/functions/schedule-states.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { scheduleJson, timeInZone } from './in-words.ts';

type GetOptions = { next: number };

export function getCommand(): Command {
  return new Command('get')
    .summary('show a schedule and its next fire times')
    .description('Shows a schedule, the fire times that fired, were skipped and were missed, and the next ones.')
    .argument('<schedule>', 'the name of the schedule')
    .option('--next <count>', 'the number of next fire times', parseWhole(0, 100), 5)
    .action(action<GetOptions>(get));
}

async function get(call: Call<GetOptions>): Promise<typeof exitCodes.ok> {
  const [name = ''] = call.args;
  return await withClient(call.options, async ({ schedules }) => {
    const found = await schedules.get(name, call.options.next);
    printOne(call, { value: scheduleJson(found), name, lines: () => describe(found, call) });
    return exitCodes.ok;
  });
}

function describe({ schedule, progress, next, late }: ScheduleState, { terminal: { out } }: Call): string[] {
  const { name, function: fn, qualifier, cron, timeZone, event, overlap, catchUpInMs, jitterInMs, paused, description } = schedule;
  const inZone = (at: number): string => timeInZone(at, timeZone);
  const { last, fired, skipped, missed } = progress;
  const facts: [string, string][] = [
    ['invokes', qualifier === undefined ? fn : `${fn}:${qualifier}`],
    ['event', event === '' ? '{}' : cut(event, 100)],
    ['cron', `${cron} in ${timeZone}`],
    ['overlap', overlap],
    ['catch-up', formatDuration(catchUpInMs)],
    ...(jitterInMs === 0 ? [] : [['jitter', `up to ${formatDuration(jitterInMs)}`] as [string, string]]),
    ['fired', last === undefined ? 'not yet' : `${fired} times, the last one for ${inZone(last.at)} as ${last.id}`],
    ...(skipped === undefined ? [] : [['skipped', `${skipped.count} times, the last one ${inZone(skipped.at)}`] as [string, string]]),
    ...(missed === undefined
      ? []
      : [['missed', `${missed.count} times, the last ones from ${inZone(missed.from)} to ${inZone(missed.to)}`] as [string, string]]),
    ...(paused ? [['paused', `it does not fire; to resume: sequent schedule resume ${name}`] as [string, string]] : []),
    ...(late === undefined ? [] : [['late', `${inZone(late.dueAt)} is due and did not fire yet`] as [string, string]]),
    ...next.map(({ dueAt }): [string, string] => ['next', inZone(dueAt)]),
  ];
  const width = Math.max(...facts.map(([label]) => label.length));
  return [
    out.paint.bold(name) + (description === '' ? '' : `  ${plain(description)}`),
    ...facts.map(([label, value]) => `  ${out.paint.dim(label.padEnd(width))}  ${plain(value)}`),
  ];
}
