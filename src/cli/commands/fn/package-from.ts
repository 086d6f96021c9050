import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesIn } from '#src/cli/code/folder-files.ts';
import { traceModule } from '#src/cli/code/trace-module.ts';
import { writeFiles } from '#src/cli/code/write-files.ts';
import { messageOf } from '#src/core/errors.ts';
import { findEntryFile, splitHandler } from '#src/core/functions/package-entry.ts';
import { digestOf } from '#src/core/ports/code-packages.ts';
import { readZip, type ZipFile } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { usageProblem } from '../../problem.ts';

type PackageFlags = { zip?: string | undefined; folder?: string | undefined; handler?: string | undefined };

/** The code of a folder or an archive, with the file of its handler. Throws when no worker could load the code. */
export async function packageFrom({ zip, folder, handler = 'index.handler' }: PackageFlags) {
  const archive = zip === undefined ? writeZip(await filesIn(folder ?? '.')) : await readArchive(zip);
  // A worker would refuse the same archives.
  const files = await readZip(archive);
  const { file, name } = splitHandler(handler.includes('.') ? handler : `index.${handler}`);
  const entry = findEntryFile(file, files);
  if (entry === undefined)
    throw usageProblem('the handler is not in the package', `it has no ${file}.js, .mjs, .cjs, .ts or .mts`, '--handler <file>.<export>');
  if (zip === undefined) await expectFolderLoadable(folder ?? '.', files, entry, name);
  else await inTemporaryFolder(files, (unpacked) => expectLoadable(unpacked, entry, name));
  return { archive, entry, digest: digestOf(archive) };
}

/**
 * A folder without a package.json is not in the package of the folder above it where it runs: a worker has the folder alone. Its code is
 * therefore checked in a copy. A defect is told with the files of the reader.
 */
export async function expectFolderLoadable(folder: string, files: readonly ZipFile[], entry: string, name: string): Promise<void> {
  if (files.some(({ path }) => path === 'package.json')) return await expectLoadable(folder, entry, name);
  const alone = [...files, { path: 'package.json', content: Buffer.from('{}') }];
  try {
    await inTemporaryFolder(alone, (copy) => expectLoadable(copy, entry, name));
  } catch (error) {
    await expectLoadable(folder, entry, name);
    throw error;
  }
}

async function expectLoadable(folder: string, entry: string, exported: string): Promise<void> {
  (await traceModule(join(folder, entry), { within: folder })).expectExport(exported);
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
