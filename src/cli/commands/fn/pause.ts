import { Command } from 'commander';
import type { SequentClient } from '#src/client/client.ts';
import { action, type Call, type Format } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

export function pauseCommand(): Command {
  return new Command('pause')
    .summary('start nothing of a function any more')
    .description(
      'Starts nothing of these functions until they are resumed: stops a loop at once. What runs goes on; what is queued waits, and ages.',
    )
    .argument('<function...>', 'their names')
    .action(action((call) => setPaused(call, true)));
}

export function resumeCommand(): Command {
  return new Command('resume')
    .summary('let a paused function go on')
    .description('Lets paused functions go on with what is queued.')
    .argument('<function...>', 'their names')
    .action(action((call) => setPaused(call, false)));
}

async function setPaused(call: Call, paused: boolean): Promise<typeof exitCodes.ok> {
  const { args: names, options, terminal, format } = call;
  return await withClient(options, async ({ functions }) => {
    // All must exist before the first one is changed.
    for (const name of names) await functions.get(name);
    for (const name of names) {
      await change(functions, name, paused);
      terminal.out.line(lineFor(name, paused, format));
    }
    return exitCodes.ok;
  });
}

function lineFor(name: string, paused: boolean, format: Format): string {
  if (format === 'name') return name;
  if (format !== 'table') return JSON.stringify({ name, paused });
  return paused ? `${name} is paused; to let it go on: sequent fn resume ${name}` : `${name} goes on`;
}

/** Whoever changes the function meanwhile is not overwritten. */
async function change(functions: SequentClient['functions'], name: string, paused: boolean): Promise<void> {
  const { ConflictError } = await import('#src/core/errors.ts');
  for (let tries = 0; ; tries++) {
    const { definition, revision } = await functions.get(name);
    if (definition.paused === paused) return;
    try {
      await functions.put({ ...definition, paused }, revision);
      return;
    } catch (error) {
      if (!(error instanceof ConflictError) || tries === 5) throw error;
    }
  }
}
