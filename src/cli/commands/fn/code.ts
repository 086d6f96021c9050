import { readdir } from 'node:fs/promises';
import { Command } from 'commander';
import { readFunction } from '#src/cli/arguments/function-argument.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printOne } from '#src/cli/print/output.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { ZipFile } from '#src/core/zip/read-zip.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { withCodeOptions } from './definition/function-options.ts';
import { type CodeFlags, handlerFrom } from './definition/package-from.ts';
import { layersNamed, storeFunctions } from './definition/store-functions.ts';

type CodeOptions = { path?: string; to?: string };

export function codeCommand(): Command {
  return new Command('code')
    .summary('show or write the code of a version, or replace it: put')
    .description('Prints the file that a function runs, as a version stored it, or writes all files of the version to a folder.')
    .argument('<function>', 'the name, optionally with a version or an alias: orders:v1, orders:!prod; or with its package: billing:report')
    .option('--path <file>', 'another file of the package; --json lists them')
    .option('--to <folder>', 'write all files to this folder, which must be empty or new')
    .addHelpText('after', examples)
    .action(action<CodeOptions>(code))
    .addCommand(codePutCommand());
}

const examples = `
Examples:
  sequent fn code orders:v1
  diff <(sequent fn code orders:v1) <(sequent fn code orders)
  sequent fn code orders:v1 --to v1; sequent fn code orders --to now; diff -r v1 now

Exit codes: 0 shown, 2 no such file, no stored code, or a folder with files, 3 no such function or version.`;

async function code(call: Call<CodeOptions>): Promise<ExitCode> {
  return await withClient(call.options, async (client) => {
    const { name, qualifier = 'latest' } = await readFunction(client, call.args[0] ?? '');
    const found = await client.functions.find(name, qualifier);
    const { entry, files } = await codeOf(client, found);
    const { path = entry, to } = call.options;
    if (to === undefined) show(call, { ...found, path, files });
    else await write(call, { to, files });
    return exitCodes.ok;
  });
}

async function codeOf(
  { packages }: Pick<SequentClient, 'packages'>,
  { definition: { name, handler } }: RegisteredFunction,
): Promise<{ entry: string; files: ZipFile[] }> {
  const stored = handler.kind === 'process' ? handler.package : undefined;
  if (stored === undefined || handler.kind !== 'process')
    throw usageProblem(
      `the code of ${name} cannot be shown`,
      'Sequent does not store it',
      'a function that was put with --file, --folder or --zip',
    );
  const archive = await packages.get(stored, projectOf(name));
  if (archive === undefined)
    throw usageProblem(`the code of ${name} cannot be shown`, 'its package is not in the store', `sequent fn put ${name}`);
  const { readZip } = await import('#src/core/zip/read-zip.ts');
  return { entry: handler.file, files: await readZip(Buffer.from(archive)) };
}

type Shown = Pick<RegisteredFunction, 'definition' | 'version'> & { path: string; files: readonly ZipFile[] };

/** A terminal gets no control characters of the code; a pipe gets the text as it is. */
function show(call: Call, { definition: { name, handler }, version, path, files }: Shown): void {
  const { out } = call.terminal;
  const file = files.find((one) => one.path === path);
  if (file === undefined) throw usageProblem(`${path} cannot be shown`, 'the package has no such file', `sequent fn code ${name} --json`);
  const text = Buffer.from(file.content)
    .toString()
    .replace(/\r?\n$/, '');
  printOne(call, {
    value: { function: name, version, handler, files: files.map((one) => ({ path: one.path, bytes: one.content.length })) },
    name: path,
    lines: () => (out.isTty ? text.split('\n').map((line) => plain(line.replaceAll('\t', '  '))) : [text]),
  });
}

async function write({ terminal }: Call, { to, files }: { to: string; files: readonly ZipFile[] }): Promise<void> {
  const present = await readdir(to).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw usageProblem(`the code cannot be written to ${to}`, error.message, '--to with another folder');
  });
  if (present.length > 0)
    throw usageProblem(`the code cannot be written to ${to}`, 'the folder is not empty', '--to with an empty or a new folder');
  const { writeFiles } = await import('#src/cli/code/write-files.ts');
  await writeFiles(to, files);
  const text = files.length === 1 ? '{count} file written to {folder}' : '{count} files written to {folder}';
  terminal.err.line(say(text, { count: files.length, folder: plain(to) }));
}

function codePutCommand(): Command {
  const command = new Command('put')
    .summary('replace the code of a function')
    .description('Replaces the code of a function. Its pause and all its settings stay.')
    .argument('<function>', 'the name of the function');
  return withDryRun(withCodeOptions(command)).addHelpText('after', putExamples).action(action<CodeFlags>(putCode));
}

const putExamples = `
Examples:
  sequent fn code put orders --file ./orders-2.mjs
  sequent fn code put orders --folder ./orders

Exit codes: 0 stored, 2 code that cannot be loaded, 3 no such function.`;

async function putCode(call: Call<CodeFlags>): Promise<ExitCode> {
  const [name = ''] = call.args;
  return await withClient(call.options, async (client) => {
    const { definition: present } = await client.functions.get(name);
    const layers = await layersNamed(client, name, { references: call.options.layer, present: present.handler });
    const code = await handlerFrom(name, call.options, present.handler, layers);
    if (code === undefined)
      throw usageProblem(`the code of ${name} was not replaced`, 'no option names the code', 'one of --file, --folder, --zip');
    await storeFunctions(call, client, [{ definition: { name, handler: code.handler }, archive: code.archive }]);
    return exitCodes.ok;
  });
}
