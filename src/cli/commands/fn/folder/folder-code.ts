import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { filesIn } from '#src/cli/code/folder-files.ts';
import type { TraceOptions } from '#src/cli/code/languages.ts';
import { CommandError, problemOf, usageProblem } from '#src/cli/problem.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { digestOf, type PackageOwner } from '#src/core/ports/stores/code-packages.ts';
import { modulesOfLayers } from '#src/core/python/layer-modules.ts';
import { readZip, type ZipFile } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { existingFile, expectFolderLoadable, packedHandler } from '../definition/package-from.ts';
import { type CodeInFolder, layerFile } from './folder-format.ts';

type Modules = TraceOptions['modules'];

/** A handler whose code a folder holds, and the archive of that code. */
export type FolderCode = {
  handler: object;
  /** The layers of the handler, and the folder that may have them. */
  layers: readonly string[];
  folder: string;
  archive?: Uint8Array | undefined;
  /** Throws when no worker could load the code. */
  check: (modules: Modules) => Promise<void>;
};

/** Packs the code of a handler. `at` is the path of the handler in the description. Throws `CommandError`. */
export async function readCode(handler: { kind: string }, { folder, at }: { folder: string; at: string }): Promise<FolderCode> {
  const check = async (): Promise<void> => {};
  if (handler.kind !== 'process') return { handler, layers: [], folder, check };
  const { folder: code, ...process } = handler as CodeInFolder;
  const { layers = [] } = process;
  if (process.package !== undefined || (code === undefined && isAbsolute(process.file))) return { handler: process, layers, folder, check };
  return await namingPath(at, async () => {
    if (code === undefined) {
      const modules = () => modulesOfLayers({ get: (digest) => layerIn(folder, digest) }, layers, undefined);
      return { ...(await packedHandler(await existingFile(process.file, folder), process, modules)), layers, folder, check };
    }
    const root = join(folder, code);
    const files = await filesIn(root);
    if (!files.some(({ path }) => path === process.file))
      throw usageProblem('the handler is not in the folder', `${root} has no ${process.file}`, 'a file of the folder');
    const archive = await writeZip(files);
    const wanted = { entry: process.file, name: process.export ?? 'handler' };
    return {
      handler: { ...process, package: digestOf(archive) },
      layers,
      folder,
      archive,
      check: (modules) => namingPath(at, () => expectFolderLoadable(root, files, { ...wanted, modules })),
    };
  });
}

/**
 * The handler to store: a package with the same files stays as it is, whoever packed it, and is not sent again. Of the layers, those are sent
 * that the server lacks.
 */
export async function storedCode(
  { packages }: Pick<SequentClient, 'packages'>,
  { handler, layers, folder, archive, check }: FolderCode,
  { present, owner }: { present: FunctionDefinition['handler'] | undefined; owner: PackageOwner },
): Promise<object> {
  for (const digest of layers) {
    if (await packages.has(digest, owner)) continue;
    // A layer that the folder lacks too is refused with the definition.
    const layer = await layerIn(folder, digest);
    if (layer !== undefined) await packages.put(layer, owner);
  }
  if (archive === undefined) return handler;
  const stored = present?.kind === 'process' ? present.package : undefined;
  if (stored === digestOf(archive)) return handler;
  if (stored !== undefined && (await hasSameFiles(await packages.get(stored, owner), archive))) return { ...handler, package: stored };
  await check(() => modulesOfLayers(packages, layers, owner));
  await packages.put(archive, owner);
  return handler;
}

async function layerIn(folder: string, digest: string): Promise<Buffer | undefined> {
  return await readFile(join(folder, layerFile(digest))).catch(() => undefined);
}

async function hasSameFiles(stored: Uint8Array | undefined, archive: Uint8Array): Promise<boolean> {
  if (stored === undefined) return false;
  const [before, after] = await Promise.all([stored, archive].map(async (one) => sorted(await readZip(Buffer.from(one)))));
  return (
    before?.length === after?.length &&
    (before ?? []).every(({ path, content, isExecutable }, index) => {
      const other = after?.[index];
      return other?.path === path && other.isExecutable === isExecutable && Buffer.compare(content, other.content) === 0;
    })
  );
}

function sorted(files: readonly ZipFile[]): ZipFile[] {
  return files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/** Adds the path in the description to the reason of a problem. */
async function namingPath<Value>(at: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const problem = problemOf(error);
    throw new CommandError({ ...problem, why: `${at}: ${problem.why}` }, { cause: error });
  }
}
