import { Command } from 'commander';
import { type Call, type Format, performs } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';

type RemoveOptions = { yes?: true };

export function removeCommand(): Command {
  return new Command('rm')
    .alias('delete')
    .summary('remove functions')
    .description('Removes functions. What is queued for them then fails with the condition FunctionNotFound; finished invocations stay.')
    .argument('<function...>', 'their names')
    .option('-y, --yes', 'do not ask')
    .action(performs<RemoveOptions>(remove));
}

async function remove(call: Call<RemoveOptions>): Promise<ExitCode> {
  const { options, terminal, format } = call;
  const names = call.args;
  return await withClient(options, async ({ functions }) => {
    // All must exist before the first one is removed.
    for (const name of names) await functions.get(name);
    if (!options.yes && !(await confirm(call, names))) {
      terminal.err.line('nothing was removed');
      return exitCodes.failed;
    }
    for (const name of names) {
      await functions.delete(name);
      terminal.out.line(lineFor(name, format));
    }
    return exitCodes.ok;
  });
}

function lineFor(name: string, format: Format): string {
  if (format === 'name') return name;
  return format === 'table' ? `removed ${name}` : JSON.stringify({ removed: name });
}

async function confirm({ terminal }: Call, names: readonly string[]): Promise<boolean> {
  if (!terminal.canAsk) {
    throw usageProblem('nothing was removed', 'nobody is here to confirm it', `sequent fn rm ${names.join(' ')} --yes`);
  }
  return await terminal.ask(`Remove ${names.join(', ')}? What is queued for it fails.`);
}
