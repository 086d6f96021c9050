import { Command, Option } from 'commander';
import { parseDuration } from '#src/cli/arguments/durations.ts';
import { readFunction } from '#src/cli/arguments/function-argument.ts';
import { readPayload } from '#src/cli/arguments/payload.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { repeatOnConflict } from '#src/core/repeat-on-conflict.ts';
import { type Overlap, overlaps, type Schedule, type ScheduleInput } from '#src/core/schedules/schedule.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { nextInWords, scheduleJson } from './in-words.ts';

type PutOptions = {
  cron?: string;
  tz?: string;
  function?: string;
  event?: string;
  overlap?: Overlap;
  catchUp?: number;
  jitter?: number;
  description?: string;
};

export function putCommand(): Command {
  return withDryRun(new Command('put'))
    .summary('create or change a schedule')
    .description(
      'Creates a schedule, or changes the named fields and keeps all others. A paused schedule stays paused. Past fire times of new times are not made up.',
    )
    .argument('<schedule>', 'the name of the schedule')
    .option('--cron <expression>', 'minute, hour, day, month, weekday; or six fields with seconds before them; or @hourly, @daily')
    .option('--tz <zone>', 'the time zone of the expression, such as Europe/Berlin (default: UTC)')
    .option('--function <function>', 'the function, optionally with a version or an alias: report:v1, report:!prod')
    .option('-d, --event <json>', 'the event: JSON text, @file, or - for stdin (a pipe is read without -)')
    .addOption(
      new Option(
        '--overlap <policy>',
        'at a fire time while the invocation before is not over: skip it, queue it, cancel that invocation, or allow both',
      ).choices(overlaps),
    )
    .addOption(
      new Option('--catch-up <duration>', 'how late a missed fire time is made up after an outage: 10s to 7d (default: 24h)').argParser(
        parseDuration,
      ),
    )
    .addOption(new Option('--jitter <duration>', 'delay each fire time by a part of this time (default: 0s)').argParser(parseDuration))
    .option('--description <text>', 'a description')
    .addHelpText('after', examples)
    .action(action<PutOptions>(put));
}

const examples = `
Examples:
  sequent schedule put nightly --cron '0 3 * * *' --tz Europe/Berlin --function report -d '{}'
  sequent schedule put nightly --cron '0 4 * * *'
  sequent schedule put poll --cron '*/5 * * * *' --function poll --overlap queue --jitter 30s
  sequent schedule put rates --cron '@hourly' --function rates --overlap cancel

Exit codes: 0 stored, 2 a wrong expression or time zone, 3 no such function.`;

async function put(call: Call<PutOptions>): Promise<ExitCode> {
  const [name = ''] = call.args;
  const { options } = call;
  const event = await readPayload(options.event, call);
  return await withClient(options, async ({ functions, schedules }) => {
    // Two people may change different fields at the same time.
    const stored = await repeatOnConflict(async () => {
      const { schedule: present, revision } = await presentSchedule(schedules, name);
      const changed = {
        ...(await timesAndTarget(functions, { name, present, options })),
        name,
        timeZone: options.tz ?? present?.timeZone,
        event: options.event === undefined && event === '' ? (present?.event ?? '') : event,
        overlap: options.overlap ?? present?.overlap,
        catchUpInMs: options.catchUp ?? present?.catchUpInMs,
        jitterInMs: options.jitter ?? present?.jitterInMs,
        description: options.description ?? present?.description,
      };
      return await schedules.put(changed, revision);
    });
    printOne(call, {
      value: scheduleJson(stored),
      name,
      lines: () => [say('the schedule {name} is stored; {next}', { name, next: nextInWords(stored) })],
    });
    return exitCodes.ok;
  });
}

/** The schedule before the change, and its revision: 0 when there is none. */
async function presentSchedule(
  schedules: SequentClient['schedules'],
  name: string,
): Promise<{ schedule: Schedule | undefined; revision: number }> {
  const { ScheduleNotFoundError } = await import('#src/core/errors.ts');
  return await schedules.get(name, 0).catch((error: unknown) => {
    if (error instanceof ScheduleNotFoundError) return { schedule: undefined, revision: 0 };
    throw error;
  });
}

type Named = { name: string; present: Schedule | undefined; options: PutOptions };

/** A new schedule needs an expression and a function. */
async function timesAndTarget(
  functions: SequentClient['functions'],
  { name, present, options }: Named,
): Promise<Pick<ScheduleInput, 'cron' | 'function' | 'qualifier'>> {
  const { cron = present?.cron, function: wanted = present?.function } = options;
  if (cron === undefined || wanted === undefined) {
    const missing = cron === undefined ? '--cron' : '--function';
    throw usageProblem(`the schedule "${name}" cannot be created`, `a new schedule needs ${missing}`, 'sequent schedule put --help');
  }
  if (options.function === undefined) return { cron, function: wanted, qualifier: present?.qualifier };
  const { name: fn, qualifier } = await readFunction({ functions }, options.function);
  return { cron, function: fn, qualifier };
}
