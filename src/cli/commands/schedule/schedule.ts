import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { type Column, factLines, printOne } from '#src/cli/print/output.ts';
import { type PageOptions, pageOf, printPage, withPageOptions } from '#src/cli/print/page.ts';
import { cut, plain } from '#src/cli/print/terminal.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { ScheduleState } from '#src/functions/schedule-states.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { nextInWords, scheduleJson, timeInZone } from './in-words.ts';
import { putCommand } from './put.ts';

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

function listCommand(): Command {
  const command = new Command('ls')
    .alias('list')
    .summary('list the schedules')
    .description('Lists the schedules by their names. A table has a page of them, all other formats have all.');
  return withPageOptions(command, 'schedules').action(action(list));
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

async function list(call: Call<PageOptions>): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, async ({ schedules }) => {
    const { states, hasMore } = await schedules.page(pageOf(call));
    printPage(call, {
      rows: states,
      hasMore,
      columns,
      name: ({ schedule }) => schedule.name,
      toJson: scheduleJson,
      none: say("no schedule is defined yet; try: sequent schedule put nightly --cron '0 3 * * *' --function <function>"),
      noSuch: say('no schedule has such a name'),
      more: (last) => say('more schedules follow: --after {last}, or --containing <text>', { last }),
    });
    return exitCodes.ok;
  });
}

type GetOptions = { next: number };

function getCommand(): Command {
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
    [say('invokes'), qualifier === undefined ? fn : `${fn}:${qualifier}`],
    [say('event'), event === '' ? '{}' : cut(event, 100)],
    [say('cron'), say('{cron} in {zone}', { cron, zone: timeZone })],
    [say('overlap'), overlap],
    [say('catch-up'), formatDuration(catchUpInMs)],
    ...(jitterInMs === 0 ? [] : [[say('jitter'), say('up to {duration}', { duration: formatDuration(jitterInMs) })] as [string, string]]),
    [say('fired'), last === undefined ? say('not yet') : firedInWords(fired, inZone(last.at), last.id)],
    ...(skipped === undefined
      ? []
      : [
          [say('skipped'), say('{count} times, the last one {time}', { count: skipped.count, time: inZone(skipped.at) })] as [
            string,
            string,
          ],
        ]),
    ...(missed === undefined ? [] : [[say('missed'), missedInWords(missed, inZone)] as [string, string]]),
    ...(paused
      ? [[sayWord('paused'), say('it does not fire; to resume: sequent schedule resume {name}', { name })] as [string, string]]
      : []),
    ...(late === undefined
      ? []
      : [[say('late'), say('{time} is due and did not fire yet', { time: inZone(late.dueAt) })] as [string, string]]),
    ...next.map(({ dueAt }): [string, string] => [say('next'), inZone(dueAt)]),
  ];
  return [out.paint.bold(name) + (description === '' ? '' : `  ${plain(description)}`), ...factLines(facts, out)];
}

function firedInWords(count: number, time: string, id: string): string {
  return say('{count} times, the last one for {time} as {id}', { count, time, id });
}

type Missed = NonNullable<ScheduleState['progress']['missed']>;

function missedInWords({ count, from, to }: Missed, inZone: (at: number) => string): string {
  return say('{count} times, the last ones from {from} to {to}', { count, from: inZone(from), to: inZone(to) });
}

function removeCommand(): Command {
  return withDryRun(new Command('rm'))
    .alias('delete')
    .summary('remove a schedule')
    .description('Removes a schedule. The invocations that it requested stay.')
    .argument('<schedule>', 'the name of the schedule')
    .action(action(remove));
}

async function remove(call: Call): Promise<typeof exitCodes.ok> {
  const [name = ''] = call.args;
  return await withClient(call.options, async ({ schedules }) => {
    await schedules.delete(name);
    printOne(call, { value: { removed: name }, name, lines: () => [say('removed the schedule {name}', { name })] });
    return exitCodes.ok;
  });
}

function pauseCommand(): Command {
  return withDryRun(new Command('pause'))
    .summary('stop firing a schedule')
    .description('Stops firing a schedule until it is resumed. The fire times of the pause are not made up.')
    .argument('<schedule>', 'the name of the schedule')
    .action(action((call) => setPaused(call, true)));
}

function resumeCommand(): Command {
  return withDryRun(new Command('resume'))
    .summary('resume a paused schedule')
    .description('Resumes a paused schedule. It fires next at its next fire time.')
    .argument('<schedule>', 'the name of the schedule')
    .action(action((call) => setPaused(call, false)));
}

async function setPaused(call: Call, paused: boolean): Promise<typeof exitCodes.ok> {
  const [name = ''] = call.args;
  return await withClient(call.options, async ({ schedules }) => {
    const found = await schedules.setPaused(name, paused);
    const values = { name, next: nextInWords(found) };
    const said = paused ? say('the schedule {name}: {next}', values) : say('the schedule {name} is resumed: {next}', values);
    printOne(call, { value: scheduleJson(found), name, lines: () => [said] });
    return exitCodes.ok;
  });
}

function runCommand(): Command {
  return withDryRun(new Command('run'))
    .summary('invoke the function of a schedule now')
    .description(
      'Invokes the function of a schedule now, with its event, also while the schedule is paused. The fire times stay as they are. Prints the request id.',
    )
    .argument('<schedule>', 'the name of the schedule')
    .action(action(run));
}

async function run(call: Call): Promise<typeof exitCodes.ok> {
  const [name = ''] = call.args;
  return await withClient(call.options, async ({ schedules }) => {
    const requestId = await schedules.run(name);
    printOne(call, { value: { requestId, schedule: name }, name: requestId, lines: () => [requestId] });
    return exitCodes.ok;
  });
}
