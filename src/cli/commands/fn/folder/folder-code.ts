import { isAbsolute, join } from 'node:path';
import { filesIn } from '#src/cli/code/folder-files.ts';
import { CommandError, problemOf, usageProblem } from '#src/cli/problem.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { digestOf, type PackageOwner } from '#src/core/ports/stores/code-packages.ts';
import { readZip, type ZipFile } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { existingFile, expectFolderLoadable, packedHandler } from '../definition/package-from.ts';
import type { CodeInFolder } from './folder-format.ts';

/** A handler whose code a folder holds, and the archive of that code. */
export type FolderCode = {
  handler: object;
  archive?: Uint8Array | undefined;
  /** Throws when no worker could load the code. */
  check: () => Promise<void>;
};

/** Packs the code of a handler. `at` is the path of the handler in the description. Throws `CommandError`. */
export async function readCode(handler: { kind: string }, { folder, at }: { folder: string; at: string }): Promise<FolderCode> {
  const check = async (): Promise<void> => {};
  if (handler.kind !== 'process') return { handler, check };
  const { folder: code, ...process } = handler as CodeInFolder;
  if (process.package !== undefined || (code === undefined && isAbsolute(process.file))) return { handler: process, check };
  return await namingPath(at, async () => {
    if (code === undefined) return { ...(await packedHandler(await existingFile(process.file, folder), process)), check };
    const root = join(folder, code);
    const files = await filesIn(root);
    if (!files.some(({ path }) => path === process.file))
      throw usageProblem('the handler is not in the folder', `${root} has no ${process.file}`, 'a file of the folder');
    const archive = writeZip(files);
    const exported = process.export ?? 'handler';
    return {
      handler: { ...process, package: digestOf(archive) },
      archive,
      check: () => namingPath(at, () => expectFolderLoadable(root, files, process.file, exported)),
    };
  });
}

/** The handler to store: a package with the same files stays as it is, whoever packed it, and is not sent again. */
export async function storedCode(
  { packages }: Pick<SequentClient, 'packages'>,
  { handler, archive, check }: FolderCode,
  { present, owner }: { present: FunctionDefinition['handler'] | undefined; owner: PackageOwner },
): Promise<object> {
  if (archive === undefined) return handler;
  const stored = present?.kind === 'process' ? present.package : undefined;
  if (stored === digestOf(archive)) return handler;
  if (stored !== undefined && (await hasSameFiles(await packages.get(stored, owner), archive))) return { ...handler, package: stored };
  await check();
  await packages.put(archive, owner);
  return handler;
}

async function hasSameFiles(stored: Uint8Array | undefined, archive: Uint8Array): Promise<boolean> {
  if (stored === undefined) return false;
  const [before, after] = await Promise.all([stored, archive].map(async (one) => sorted(await readZip(Buffer.from(one)))));
  return (
    before?.length === after?.length &&
    (before ?? []).every(({ path, content }, index) => {
      const other = after?.[index];
      return other?.path === path && Buffer.compare(content, other.content) === 0;
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
