import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { say } from '#src/cli/texts/say.ts';
import { action, type Call, type Format } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

export function pauseCommand(): Command {
  return withDryRun(new Command('pause'))
    .summary('start no more attempts of a function')
    .description(
      'Starts no attempt of these functions until they are resumed, which stops a loop at once. Running attempts continue; queued invocations wait and age.',
    )
    .argument('<function...>', 'the names of the functions')
    .action(action((call) => setPaused(call, true)));
}

export function resumeCommand(): Command {
  return withDryRun(new Command('resume'))
    .summary('resume a paused function')
    .description('Resumes paused functions. Their queued invocations start.')
    .argument('<function...>', 'the names of the functions')
    .action(action((call) => setPaused(call, false)));
}

async function setPaused(call: Call, paused: boolean): Promise<typeof exitCodes.ok> {
  const { args: names, options, terminal, format } = call;
  const { FunctionNotFoundError } = await import('#src/core/errors.ts');
  return await withClient(options, async ({ functions }) => {
    // All must exist before the first one is changed.
    for (const name of names) await functions.get(name);
    for (const name of names) {
      await functions.change(name, (present) => {
        // It may have been removed since.
        if (present === undefined) throw new FunctionNotFoundError({ name });
        return { ...present, paused };
      });
      terminal.out.line(lineFor(name, paused, format));
    }
    return exitCodes.ok;
  });
}

function lineFor(name: string, paused: boolean, format: Format): string {
  if (format === 'name') return name;
  if (format !== 'table') return JSON.stringify({ name, paused });
  return paused ? say('{name} is paused; to resume: sequent fn resume {name}', { name }) : say('{name} is resumed', { name });
}
