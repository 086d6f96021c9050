import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

export function removeCommand(): Command {
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
