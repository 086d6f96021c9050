import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { nextInWords, scheduleJson } from './in-words.ts';

export function pauseCommand(): Command {
  return withDryRun(new Command('pause'))
    .summary('stop firing a schedule')
    .description('Stops firing a schedule until it is resumed. The fire times of the pause are not made up.')
    .argument('<schedule>', 'the name of the schedule')
    .action(action((call) => setPaused(call, true)));
}

export function resumeCommand(): Command {
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
