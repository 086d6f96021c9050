import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { filesIn } from '#src/cli/code/folder-files.ts';
import type { TraceOptions } from '#src/cli/code/languages.ts';
import { traceModule } from '#src/cli/code/trace-module.ts';
import { writeFiles } from '#src/cli/code/write-files.ts';
import { say } from '#src/cli/texts/say.ts';
import { messageOf } from '#src/core/errors.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { findEntryFile, noEntryInWords, splitHandler } from '#src/core/functions/package-entry.ts';
import { keptRuntime, runtimeMisfit } from '#src/core/functions/runtimes.ts';
import { digestOf } from '#src/core/ports/stores/code-packages.ts';
import { readZip, type ZipFile } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { usageProblem } from '../../../problem.ts';

type PackageFlags = Pick<TraceOptions, 'modules'> & Partial<Record<'zip' | 'folder' | 'handler' | 'runtime', string | undefined>>;

/** The code of a folder or an archive, with the file of its handler. Throws when no worker could load the code. */
export async function packageFrom({ zip, folder, handler = 'index.handler', runtime, modules }: PackageFlags) {
  const archive = zip === undefined ? await archiveFrom(folder ?? '.') : await readArchive(zip);
  // A worker would refuse the same archives.
  const files = await readZip(archive);
  const { file, name } = splitHandler(handler.includes('.') ? handler : `index.${handler}`);
  const entry = findEntryFile(file, files, runtime);
  if (entry === undefined) throw usageProblem('the handler is not in the package', noEntryInWords(file), '--handler <file>.<export>');
  const wanted = { entry, name, modules };
  if (zip === undefined) await expectFolderLoadable(folder ?? '.', files, wanted);
  else await inTemporaryFolder(files, (unpacked) => expectLoadable(unpacked, wanted));
  return { archive, entry, digest: digestOf(archive) };
}

/**
 * A folder without a package.json is not in the package of the folder above it where it runs: a worker has the folder alone. Its code is
 * therefore checked in a copy. A defect is told with the files of the reader.
 */
export async function expectFolderLoadable(folder: string, files: readonly ZipFile[], wanted: Wanted): Promise<void> {
  if (files.some(({ path }) => path === 'package.json')) return await expectLoadable(folder, wanted);
  const alone = [...files, { path: 'package.json', content: Buffer.from('{}') }];
  try {
    await inTemporaryFolder(alone, (copy) => expectLoadable(copy, wanted));
  } catch (error) {
    await expectLoadable(folder, wanted);
    throw error;
  }
}

/** The file of a handler, what it must export, and the modules that its layers bring. */
type Wanted = Pick<TraceOptions, 'modules'> & { entry: string; name: string };

async function expectLoadable(folder: string, { entry, name, modules }: Wanted): Promise<void> {
  (await traceModule(join(folder, entry), { within: folder, modules })).expectExport(name);
}

async function inTemporaryFolder(files: readonly ZipFile[], use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-zip-'));
  try {
    await writeFiles(folder, files);
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readArchive(path: string): Promise<Buffer> {
  return await readFile(path).catch((cause: unknown) => {
    throw usageProblem('the archive cannot be read', messageOf(cause), '--zip with the path of a zip archive');
  });
}

/** The archive of a folder, or the archive itself. */
export async function archiveFrom(path: string): Promise<Buffer> {
  return isArchive(path) ? await readArchive(path) : writeZip(await filesIn(path));
}

function isArchive(path: string): boolean {
  return /\.zip$/i.test(path);
}

/** The flags that name code, or who runs it. */
export type CodeFlags = {
  file?: string;
  zip?: string;
  folder?: string;
  handler?: string;
  initializer?: string;
  runtime?: string;
  layer?: string[];
  subject?: string;
  url?: string;
  inline?: true;
};

/** The fields that a change names, and the archive of the code if the handler is in a package. */
export type Deployment = { definition: object; archive?: Uint8Array | undefined };

/** The keys of the flags that say how code is reached. Every other flag of code is about one of them. */
const sources = ['file', 'zip', 'folder', 'subject', 'url', 'inline'] as const;

/**
 * The handler that flags name; `undefined` when they name none. A handler of the present kind keeps the parts that no flag names, such as
 * the export or the headers.
 *
 * Throws `CommandError` when several flags name a handler, and `CodeError` when no worker could load the code.
 */
export async function handlerFrom(
  name: string,
  flags: CodeFlags,
  present?: FunctionDefinition['handler'],
  { digests, modules }: HandlerLayers = {},
): Promise<{ handler: object; archive?: Uint8Array | undefined } | undefined> {
  const given = sources.filter((source) => flags[source] !== undefined);
  if (given.length > 1) throw unclear(name, 'several options name its handler');
  if (given.length === 0) {
    const ofCode = [flags.handler, flags.initializer, flags.runtime, flags.layer];
    if (ofCode.every((flag) => flag === undefined)) return undefined;
    throw unclear(name, '--handler, --initializer, --runtime and --layer are about code, and no option names the code');
  }
  const { subject, url, inline } = flags;
  if (subject !== undefined) return { handler: { kind: 'subject', subject } };
  if (url !== undefined) return { handler: { ...(present?.kind === 'http' ? present : {}), kind: 'http', url } };
  if (inline !== undefined) return { handler: { kind: 'inline' } };
  const former = present?.kind === 'process' ? present : undefined;
  const { handler, archive } = await processHandlerFrom(flags, former, modules);
  return { handler: withoutAbsent({ ...handler, layers: digests }), archive };
}

/** The layers of a handler, whether flags name them or the function has them. */
export type HandlerLayers = Pick<TraceOptions, 'modules'> & { digests?: string[] | undefined };

async function processHandlerFrom(
  flags: CodeFlags,
  former: Extract<FunctionDefinition['handler'], { kind: 'process' }> | undefined,
  modules: TraceOptions['modules'],
) {
  const { file, zip, folder, handler, initializer, runtime } = await withKindOfFile(flags);
  // FunctionGraph names a handler with its file, as in index.handler.
  const exported = {
    export: handler?.split('.').at(-1) ?? former?.export,
    initializer: initializer?.split('.').at(-1) ?? former?.initializer,
  };
  if (file !== undefined) {
    const kept = runtime ?? keptRuntime(file, former?.runtime);
    return await packedHandler(await existingFile(file, process.cwd()), { ...exported, runtime: kept }, modules);
  }
  const { archive, entry, digest } = await packageFrom({
    zip,
    folder,
    handler: handler ?? entryOf(former),
    runtime: runtime ?? former?.runtime,
    modules,
  });
  const kept = runtime ?? keptRuntime(entry, former?.runtime);
  expectFitting(entry, kept);
  return { handler: withoutAbsent({ kind: 'process', package: digest, file: entry, runtime: kept, ...exported }), archive };
}

/** `--file` with a folder or an archive means `--folder` or `--zip`. */
async function withKindOfFile({ file, ...flags }: CodeFlags): Promise<CodeFlags> {
  if (file === undefined) return flags;
  if (isArchive(file)) return { ...flags, zip: file };
  const found = await stat(file).catch(() => undefined);
  return found?.isDirectory() ? { ...flags, folder: file } : { ...flags, file };
}

/** Throws `CommandError` when the runtime that an option or a description names cannot run the file. */
function expectFitting(file: string, runtime: string | undefined): void {
  const misfit = runtimeMisfit({ file, runtime });
  if (misfit === undefined) return;
  const why = say('{name} cannot run {file}: the name of a file of {title} ends with {ends}', misfit);
  throw usageProblem(
    'the runtime does not fit the file',
    why,
    'no runtime, which leaves the choice to the name of the file; or another file',
  );
}

function unclear(name: string, why: string): Error {
  return usageProblem(`"${name}" cannot be defined`, why, 'one of --file, --folder, --zip, --subject, --url, --inline; or a .json file');
}

/** The handler in FunctionGraph's form, such as `src/index.handler`. */
function entryOf(former: { file: string; export: string } | undefined): string | undefined {
  return former === undefined ? undefined : `${former.file.replace(/\.\w+$/, '')}.${former.export}`;
}

/** The handler of a file, whose code becomes a package (rule CODE1). Throws `CodeError` when no worker could load the file. */
export async function packedHandler(
  file: string,
  { export: name, ...handler }: { export?: string | undefined; initializer?: string | undefined; runtime?: string | undefined },
  modules?: TraceOptions['modules'],
): Promise<Required<Pick<Deployment, 'archive'>> & { handler: object }> {
  const { traceModule } = await import('#src/cli/code/trace-module.ts');
  const { packFile } = await import('#src/cli/code/pack-file.ts');
  expectFitting(basename(file), handler.runtime);
  const traced = await traceModule(file, { modules });
  traced.expectExport(name ?? 'handler');
  if (handler.initializer !== undefined) traced.expectExport(handler.initializer);
  const { archive, digest, entry } = await packFile(traced);
  return { handler: withoutAbsent({ ...handler, kind: 'process', package: digest, file: entry, export: name }), archive };
}

/** The fields that have a value. */
export function withoutAbsent(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The absolute path of a module. Throws when the file does not exist, because a worker would only fail at the first attempt. */
export async function existingFile(path: string, folder: string): Promise<string> {
  const absolute = resolve(folder, path);
  const found = await stat(absolute).catch(() => undefined);
  if (found?.isFile()) return absolute;
  throw usageProblem(
    'the module was not found',
    `${absolute} ${found === undefined ? 'does not exist' : 'is not a file'}`,
    '--file with the path of a .js, .mjs, .cjs, .ts or .py file, or of an executable bootstrap',
  );
}
