import { Command } from 'commander';
import { readFunction } from '#src/cli/arguments/function-argument.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { action, type Call, type Format } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { dependentsInWords } from './dependents-in-words.ts';

type RemoveOptions = { yes?: true };

export function removeCommand(): Command {
  return withDryRun(new Command('rm'))
    .alias('delete')
    .summary('remove functions')
    .description(
      'Removes functions with all versions and aliases, or single versions. Their queued invocations fail with the condition FunctionNotFound; finished ones stay. The command first names what depends on them.',
    )
    .argument('<function...>', 'the names of the functions, or name:version')
    .option('-y, --yes', 'do not ask for a confirmation')
    .action(action<RemoveOptions>(remove));
}

async function remove(call: Call<RemoveOptions>): Promise<ExitCode> {
  const { options, terminal, format } = call;
  const names = call.args;
  return await withClient(options, async ({ functions, schedules }) => {
    // All must exist before the first one is removed.
    const targets = await Promise.all(names.map(async (name) => ({ argument: name, ...(await readFunction({ functions }, name)) })));
    for (const { name, qualifier } of targets) await functions.find(name, qualifier);
    for (const line of await dependentsInWords({ functions, schedules }, targets)) terminal.warn(line);
    if (!options.yes && !(await confirm(call, names))) {
      terminal.err.line(say('no function was removed'));
      return exitCodes.failed;
    }
    for (const { argument, name, qualifier } of targets) {
      await removeOne(functions, name, qualifier);
      terminal.out.line(lineFor(argument, format));
    }
    return exitCodes.ok;
  });
}

async function removeOne(functions: SequentClient['functions'], name: string, qualifier: string | undefined): Promise<void> {
  if (qualifier === undefined) await functions.delete(name);
  else if (qualifier.startsWith('!')) await functions.deleteAlias(name, qualifier.slice(1));
  else await functions.deleteVersion(name, qualifier);
}

function lineFor(name: string, format: Format): string {
  if (format === 'name') return name;
  return format === 'table' ? say('removed {name}', { name }) : JSON.stringify({ removed: name });
}

async function confirm({ terminal }: Call, names: readonly string[]): Promise<boolean> {
  if (!terminal.canAsk) {
    throw usageProblem(
      'no function was removed',
      'the command needs a confirmation, and there is no terminal to ask on',
      `sequent fn rm ${names.join(' ')} --yes`,
    );
  }
  return await terminal.ask(say('Remove {names}? Queued invocations will fail.', { names: names.join(', ') }));
}
