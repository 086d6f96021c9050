import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { action, type Call } from '#src/cli/call.ts';
import { writeFiles } from '#src/cli/code/write-files.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { type ExitCode, exitCodes, usageProblem } from '#src/cli/problem.ts';
import { withClient } from '#src/cli/session.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { parseJson } from '#src/core/json/json.ts';
import { jsonWith } from '#src/core/json/json-parts.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { PackageOwner } from '#src/core/ports/stores/code-packages.ts';
import type { Schedule } from '#src/core/schedules/schedule.ts';
import { readZip } from '#src/core/zip/read-zip.ts';
import { inputOf } from './deploy-steps.ts';
import { FOLDER_FILE, folderJsonSchema, layerFile, SCHEMA_FILE } from './folder-format.ts';

export function exportCommand(): Command {
  return new Command('export')
    .summary('write the functions and schedules of a server to a folder, for fn deploy')
    .description(
      'Writes sequent.json, its JSON schema, and the stored code of functions and versions to a folder. A deployment of the folder to the same server changes nothing. Values of secrets, pauses and test events are not exported.',
    )
    .argument('<folder>', 'an empty or a new folder')
    .argument('[function...]', 'only these functions, and their schedules')
    .addHelpText('after', '\nExit codes: 0 written, 2 the folder has files, 3 no such function.')
    .action(action(exportFolder));
}

async function exportFolder(call: Call): Promise<ExitCode> {
  const [folder = '', ...names] = call.args.filter((one) => one !== undefined);
  await expectEmpty(folder);
  return await withClient(call.options, async (client) => {
    const entries = names.length === 0 ? await client.functions.list() : await Promise.all(names.map((name) => client.functions.get(name)));
    const chosen = new Set(entries.map(({ definition }) => definition.name));
    const states = (await client.schedules.list(0)).filter(({ schedule }) => chosen.has(schedule.function));
    const content = new FolderWriter(folder, client);
    const functions: Record<string, object> = {};
    for (const entry of entries) functions[entry.definition.name] = await content.functionOf(entry);
    await mkdir(folder, { recursive: true });
    const schedules = states.map(({ schedule }): [string, string] => [schedule.name, scheduleText(call, schedule)]);
    const head = JSON.stringify({ $schema: `./${SCHEMA_FILE}`, functions }, null, 2);
    const tail = schedules.map(([name, text]) => `    ${JSON.stringify(name)}: ${text}`).join(',\n');
    await writeFile(join(folder, FOLDER_FILE), `${head.slice(0, -2)},\n  "schedules": {${tail === '' ? '' : `\n${tail}\n  `}}\n}\n`);
    await writeFile(join(folder, SCHEMA_FILE), `${JSON.stringify(folderJsonSchema(), null, 2)}\n`);
    const text = 'written to {folder}: functions {functions}, schedules {schedules}';
    call.terminal.err.line(say(text, { functions: entries.length, schedules: states.length, folder: plain(folder) }));
    return exitCodes.ok;
  });
}

async function expectEmpty(folder: string): Promise<void> {
  const present = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw usageProblem(`nothing can be exported to ${folder}`, error.message, 'another folder');
  });
  if (present.length > 0) throw usageProblem(`nothing can be exported to ${folder}`, 'the folder is not empty', 'an empty or a new folder');
}

/** Describes functions, and writes their stored code below the folder. */
class FolderWriter {
  readonly #folder: string;
  readonly #client: Pick<SequentClient, 'packages'>;

  constructor(folder: string, client: Pick<SequentClient, 'packages'>) {
    this.#folder = folder;
    this.#client = client;
  }

  async functionOf({ definition, versions, aliases }: FunctionEntry): Promise<object> {
    const described: Record<string, object> = {};
    for (const { version, description, definition: own } of versions)
      described[version] = { ...(await this.#fieldsOf(own, `${definition.name}@${version}`)), description };
    return {
      ...(await this.#fieldsOf(definition, definition.name)),
      ...(versions.length === 0 ? {} : { versions: described }),
      ...(aliases.length === 0 ? {} : { aliases: Object.fromEntries(aliases.map((alias) => [alias.name, aliasFields(alias)])) }),
    };
  }

  async #fieldsOf({ name: _, paused: __, handler, policy, ...fields }: FunctionDefinition, code: string): Promise<object> {
    return { ...fields, handler: await this.#handlerOf(handler, code), policy: policyFields(policy) };
  }

  async #handlerOf(handler: FunctionDefinition['handler'], code: string): Promise<object> {
    if (handler.kind !== 'process' || handler.package === undefined) return handler;
    const archive = await this.#client.packages.get(handler.package, projectOf(code));
    // The reference stays, so that the deployment to this server changes nothing.
    if (archive === undefined) return handler;
    for (const digest of handler.layers ?? []) await this.#writeLayer(digest, projectOf(code));
    const folder = `code/${code.replaceAll(':', '.').replaceAll('=', '+')}`;
    await writeFiles(join(this.#folder, folder), await readZip(Buffer.from(archive)));
    const { package: _, kind, ...named } = handler;
    return { kind, folder, ...named };
  }

  async #writeLayer(digest: string, owner: PackageOwner): Promise<void> {
    const layer = await this.#client.packages.get(digest, owner);
    if (layer === undefined) return;
    const file = join(this.#folder, layerFile(digest));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, layer);
  }
}

function aliasFields({
  name: _,
  changedAt: __,
  weightedAt: ___,
  decision: ____,
  policy,
  ...fields
}: FunctionEntry['aliases'][number]): object {
  return { ...fields, ...(policy === undefined ? {} : { policy: policyFields(policy) }) };
}

/** A parameter is an object where that is the same text. */
function policyFields(policy: FunctionDefinition['policy']): object {
  const readable = (destinations: FunctionDefinition['policy']['onSuccess']): object[] =>
    destinations.map(({ param, ...destination }) => {
      const value = parseJson(param);
      return { ...destination, param: JSON.stringify(value) === param ? value : param };
    });
  return { ...policy, onSuccess: readable(policy.onSuccess), onFailure: readable(policy.onFailure) };
}

/** A schedule as JSON, with its event as it was written. */
function scheduleText({ terminal }: Call, schedule: Schedule): string {
  const { name, event = '', ...fields } = inputOf(schedule);
  if (event === '') return JSON.stringify(fields);
  if (parseJson(event) !== undefined) return jsonWith(fields, 'event', event);
  terminal.warn(say('the event of the schedule {name} is encrypted, and is not exported', { name: name ?? '' }));
  return JSON.stringify(fields);
}
