import { Command } from 'commander';
import { printOne } from '#src/cli/print/output.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

type PublishOptions = { description?: string };

export function publishCommand(): Command {
  return new Command('publish')
    .summary('make a version of what a function is now')
    .description(
      'Makes a version of what the function is now. Later changes leave it alone, and so does its policy, until that is changed. Of a file, a subject or a URL the version keeps the name only; of a package (fn put --folder) it keeps the code.',
    )
    .argument('<function>', 'its name')
    .argument('[version]', 'the name of the version (default: the time, as v20260131-120000)')
    .option('--description <text>', 'what is new in it')
    .addHelpText('after', examples)
    .action(action<PublishOptions>(publish));
}

const examples = `
Examples:
  sequent fn publish orders v1
  sequent fn alias set orders prod v1
  sequent invoke 'orders:!prod' -d '{}' --wait

Exit codes: 0 published, 3 no such function, 4 nothing changed since the last version, or it exists, or there are too many.`;

async function publish(call: Call<PublishOptions>): Promise<typeof exitCodes.ok> {
  const [name = '', version] = call.args;
  return await withClient(call.options, async ({ functions }) => {
    const { definition: _, ...published } = await functions.publish(name, { version, description: call.options.description });
    printOne(call, {
      value: { function: name, ...published },
      name: published.version,
      lines: () => [`${name}:${published.version} is published`],
    });
    return exitCodes.ok;
  });
}
