import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

type PublishOptions = { description?: string };

export function publishCommand(): Command {
  return withDryRun(new Command('publish'))
    .summary('publish a version of a function')
    .description(
      'Publishes the current definition as a version, which later changes of the function do not affect. A version keeps the code that fn put stored (--file, --folder, --zip); of a subject or a URL it keeps the name only.',
    )
    .argument('<function>', 'the name of the function')
    .argument('[version]', 'the name of the version (default: the time, as v20260131-120000)')
    .option('--description <text>', 'a description of the changes')
    .addHelpText('after', examples)
    .action(action<PublishOptions>(publish));
}

const examples = `
Examples:
  sequent fn publish orders v1
  sequent fn alias set orders prod v1
  sequent invoke 'orders:!prod' -d '{}' --wait

Exit codes: 0 published, 3 no such function, 4 no change since the last version, the name exists, or too many versions.`;

async function publish(call: Call<PublishOptions>): Promise<typeof exitCodes.ok> {
  const [name = '', version] = call.args;
  return await withClient(call.options, async ({ functions }) => {
    const { definition: _, ...published } = await functions.publish(name, { version, description: call.options.description });
    printOne(call, {
      value: { function: name, ...published },
      name: published.version,
      lines: () => [say('{name} is published', { name: `${name}:${published.version}` })],
    });
    return exitCodes.ok;
  });
}
