import { Command } from 'commander';
import { readFunction } from '#src/cli/arguments/function-argument.ts';
import { action, type Call, type Format } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';

type RemoveOptions = { yes?: true };

export function removeCommand(): Command {
  return new Command('rm')
    .alias('delete')
    .summary('remove functions')
    .description(
      'Removes functions with all their versions and aliases, or single versions. What is queued for them then fails with the condition FunctionNotFound; finished invocations stay.',
    )
    .argument('<function...>', 'their names, or name:version')
    .option('-y, --yes', 'do not ask')
    .action(action<RemoveOptions>(remove));
}

async function remove(call: Call<RemoveOptions>): Promise<ExitCode> {
  const { options, terminal, format } = call;
  const names = call.args;
  return await withClient(options, async ({ functions }) => {
    // All must exist before the first one is removed.
    const targets = names.map((name) => ({ said: name, ...readFunction(name) }));
    for (const { name, qualifier } of targets) await functions.find(name, qualifier);
    if (!options.yes && !(await confirm(call, names))) {
      terminal.err.line('nothing was removed');
      return exitCodes.failed;
    }
    for (const { said, name, qualifier } of targets) {
      if (qualifier === undefined) await functions.delete(name);
      else if (qualifier.startsWith('!')) await functions.deleteAlias(name, qualifier.slice(1));
      else await functions.deleteVersion(name, qualifier);
      terminal.out.line(lineFor(said, format));
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
