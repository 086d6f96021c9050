import { Command } from 'commander';
import { readFunction } from '#src/cli/arguments/function-argument.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { type Column, printList, printOne } from '#src/cli/print/output.ts';
import { type PageOptions, pageOf, printPage, withPageOptions } from '#src/cli/print/page.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import type { FunctionEntry, FunctionVersion } from '#src/core/functions/entry.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call, type Format } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient, withRegistry } from '../../session.ts';
import { aliasCommand } from './alias.ts';
import { codeCommand } from './code.ts';
import { putCommand, setCommand } from './definition/put.ts';
import { dependentsInWords } from './dependents-in-words.ts';
import { eventCommand } from './event.ts';
import { deployCommand } from './folder/deploy.ts';
import { exportCommand } from './folder/export.ts';
import { getCommand } from './get.ts';
import { describeHandler } from './handler-in-words.ts';
import { layerCommand } from './layer.ts';

export function functionsCommand(): Command {
  return new Command('fn')
    .alias('functions')
    .description('The definitions of functions, their versions and aliases.')
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(putCommand())
    .addCommand(setCommand())
    .addCommand(codeCommand())
    .addCommand(removeCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
    .addCommand(publishCommand())
    .addCommand(versionsCommand())
    .addCommand(aliasCommand())
    .addCommand(eventCommand())
    .addCommand(layerCommand())
    .addCommand(deployCommand())
    .addCommand(exportCommand());
}

function listCommand(): Command {
  const command = new Command('ls')
    .alias('list')
    .summary('list the functions')
    .description('Lists the functions by their names. A table has a page of them, all other formats have all.');
  return withPageOptions(command, 'functions').action(action(list));
}

const columns: Column<RegisteredFunction>[] = [
  { head: 'NAME', cell: ({ definition }) => definition.name },
  { head: 'KIND', cell: ({ definition }) => definition.handler.kind },
  { head: 'TIMEOUT', cell: ({ definition }) => formatDuration(definition.timeoutInMs), align: 'right' },
  { head: 'RETRIES', cell: ({ definition }) => String(definition.policy.maxRetries), align: 'right' },
  { head: 'AT ONCE', cell: ({ definition }) => String(definition.concurrency), align: 'right' },
  { head: 'REVISION', cell: ({ revision }) => String(revision), align: 'right' },
  { head: 'RUNS', cell: ({ definition }) => describeHandler(definition.handler) },
  { head: 'DESCRIPTION', cell: ({ definition }) => definition.description },
];

async function list(call: Call<PageOptions>): Promise<typeof exitCodes.ok> {
  return await withRegistry(call.options, async (functions) => {
    const { entries, hasMore } = await functions.page(pageOf(call));
    printPage(call, {
      rows: entries,
      hasMore,
      columns,
      name: ({ definition }) => definition.name,
      toJson: ({ definition, revision }) => ({ ...definition, revision }),
      none: say('no function is defined yet; try: sequent fn put hello --file ./hello.mjs'),
      noSuch: say('no function has such a name'),
      more: (last) => say('more functions follow: --after {last}, or --containing <text>', { last }),
    });
    return exitCodes.ok;
  });
}

function versionsCommand(): Command {
  return new Command('versions')
    .summary('list the versions of a function')
    .description('Lists the versions of a function, newest first, and which aliases stand for them.')
    .argument('<function>', 'its name')
    .action(action(versions));
}

type Row = FunctionVersion & { aliases: string[] };

const versionColumns: Column<Row>[] = [
  { head: 'VERSION', cell: ({ version }) => version },
  { head: 'PUBLISHED', cell: ({ publishedAt }) => (publishedAt === 0 ? '' : new Date(publishedAt).toISOString().slice(0, 19)) },
  { head: 'ALIASES', cell: ({ aliases }) => aliases.join(' ') },
  { head: 'TIMEOUT', cell: ({ definition }) => formatDuration(definition.timeoutInMs), align: 'right' },
  { head: 'RETRIES', cell: ({ definition }) => String(definition.policy.maxRetries), align: 'right' },
  { head: 'RUNS', cell: ({ definition }) => describeHandler(definition.handler) },
  { head: 'DESCRIPTION', cell: ({ description }) => description },
];

async function versions(call: Call): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, async ({ functions }) => {
    printList(call, {
      rows: rowsOf(await functions.get(call.args[0] ?? '')),
      columns: versionColumns,
      name: ({ version }) => version,
      empty: '',
    });
    return exitCodes.ok;
  });
}

/** `latest` is the first of them. */
function rowsOf({ definition, versions: published, aliases }: FunctionEntry): Row[] {
  const latest: FunctionVersion = { version: 'latest', description: definition.description, publishedAt: 0, definition };
  return [latest, ...[...published].reverse()].map((one) => ({
    ...one,
    aliases: aliases
      .filter(({ version, weights }) => version === one.version || Object.hasOwn(weights, one.version))
      .map(({ name }) => `!${name}`),
  }));
}

function pauseCommand(): Command {
  return withDryRun(new Command('pause'))
    .summary('start no more attempts of a function')
    .description(
      'Starts no attempt of these functions until they are resumed, which stops a loop at once. Running attempts continue; queued invocations wait and age.',
    )
    .argument('<function...>', 'the names of the functions')
    .action(action((call) => setPaused(call, true)));
}

function resumeCommand(): Command {
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
      terminal.out.line(pauseLine(name, paused, format));
    }
    return exitCodes.ok;
  });
}

function pauseLine(name: string, paused: boolean, format: Format): string {
  if (format === 'name') return name;
  if (format !== 'table') return JSON.stringify({ name, paused });
  return paused ? say('{name} is paused; to resume: sequent fn resume {name}', { name }) : say('{name} is resumed', { name });
}

type RemoveOptions = { yes?: true };

function removeCommand(): Command {
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

type PublishOptions = { description?: string };

function publishCommand(): Command {
  return withDryRun(new Command('publish'))
    .summary('publish a version of a function')
    .description(
      'Publishes the current definition as a version, which later changes of the function do not affect. A version keeps the code that fn put stored (--file, --folder, --zip); of a subject or a URL it keeps the name only.',
    )
    .argument('<function>', 'the name of the function')
    .argument('[version]', 'the name of the version (default: the time, as v20260131-120000)')
    .option('--description <text>', 'a description of the changes')
    .addHelpText('after', publishExamples)
    .action(action<PublishOptions>(publish));
}

const publishExamples = `
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
