import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { factLines, printOne } from '#src/cli/print/output.ts';
import { cut, plain } from '#src/cli/print/terminal.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
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
