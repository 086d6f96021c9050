import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printOne } from '#src/cli/print/output.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

export function runCommand(): Command {
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
