import { Command } from 'commander';
import { parseProject } from '#src/cli/arguments/project.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { formatBytes } from '#src/cli/print/format.ts';
import { type Column, printList, printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import { digestOf } from '#src/core/ports/stores/code-packages.ts';
import { readZip } from '#src/core/zip/read-zip.ts';
import type { Layer } from '#src/functions/layers.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { archiveFrom } from './definition/package-from.ts';

type PutOptions = { file: string; description?: string; project?: string };
type OfProject = { project?: string };

export function layerCommand(): Command {
  return new Command('layer')
    .summary('dependencies that functions share: put, ls, rm')
    .description('Uploaded dependencies with versions. A function finds their files beside its own: fn put --layer name:version.')
    .addCommand(putCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand());
}

function putCommand(): Command {
  return withProject(withDryRun(new Command('put')))
    .summary('add a version of a layer')
    .description('Stores a folder or a zip archive as the next version of a layer.')
    .argument('<name>', 'the name of the layer')
    .requiredOption('--file <path>', 'the folder or zip archive; its files appear at the root of the code')
    .option('--description <text>', 'a description')
    .addHelpText('after', examples)
    .action(action<PutOptions>(put));
}

const examples = `
Examples:
  pip install -t requests-2 requests==2.32.3 && sequent fn layer put requests --file requests-2
  sequent fn put greet --file greet.py --layer requests:1

Exit codes: 0 stored, 2 no folder or archive.`;

function withProject(command: Command): Command {
  return command.option('--project <id>', 'the project whose functions use the layer (default: the own one)', parseProject);
}

async function put(call: Call<PutOptions>): Promise<ExitCode> {
  const [name = ''] = call.args;
  const { file, description, project } = call.options;
  const archive = await archiveFrom(file);
  // A worker would refuse the same archives.
  await readZip(archive);
  return await withClient(call.options, async ({ functions, packages }) => {
    await packages.put(archive, project);
    const layer = { name, digest: digestOf(archive), bytes: archive.length, ...(description === undefined ? {} : { description }) };
    const stored = await functions.layers.put(project, layer);
    const reference = `${stored.name}:${stored.version}`;
    printOne(call, { value: stored, name: reference, lines: () => [say('the layer {reference} is stored', { reference })] });
    return exitCodes.ok;
  });
}

const columns: Column<Layer>[] = [
  { head: 'NAME', cell: ({ name, version }) => `${name}:${version}` },
  { head: 'SIZE', cell: ({ bytes }) => formatBytes(bytes), align: 'right' },
  { head: 'SAVED', cell: ({ createdAt }) => new Date(createdAt).toISOString().slice(0, 19) },
  { head: 'DESCRIPTION', cell: ({ description }) => description },
];

function listCommand(): Command {
  return withProject(new Command('ls'))
    .alias('list')
    .summary('list the layers')
    .description('Lists the layers, the newest version of each name first.')
    .action(
      action(
        async (call: Call<OfProject>) =>
          await withClient(call.options, async ({ functions }) => {
            printList(call, {
              rows: await functions.layers.list(call.options.project),
              columns,
              name: ({ name, version }) => `${name}:${version}`,
              empty: say('no layer is stored; to store one: sequent fn layer put requests --file ./requests'),
            });
            return exitCodes.ok;
          }),
      ),
    );
}

function removeCommand(): Command {
  return withProject(withDryRun(new Command('rm')))
    .alias('delete')
    .summary('remove a version of a layer')
    .description('Removes a version of a layer. Functions that use it keep its files.')
    .argument('<layer>', 'its name and version: requests:1')
    .action(
      action(async (call: Call<OfProject>) => {
        const [reference = ''] = call.args;
        const { project } = call.options;
        return await withClient(call.options, async ({ functions }) => {
          await functions.layers.delete(project, (await functions.layers.find(project, reference)).id);
          printOne(call, {
            value: { removed: reference },
            name: reference,
            lines: () => [say('removed the layer {reference}', { reference })],
          });
          return exitCodes.ok;
        });
      }),
    );
}
