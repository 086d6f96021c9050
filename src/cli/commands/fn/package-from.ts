import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { messageOf } from '#src/core/errors.ts';
import { findEntryFile, splitHandler } from '#src/core/functions/package-entry.ts';
import { digestOf } from '#src/core/ports/code-packages.ts';
import { readZip, ZIP_LIMITS, type ZipFile } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { usageProblem } from '../../problem.ts';

type PackageFlags = { zip?: string | undefined; folder?: string | undefined; handler?: string | undefined };

/** The code of a folder or an archive, with the file of its handler. Throws when no worker could run the code. */
export async function packageFrom({ zip, folder, handler = 'index.handler' }: PackageFlags) {
  const archive = zip === undefined ? writeZip(await filesIn(folder ?? '.')) : await readArchive(zip);
  // A worker would refuse the same archives.
  const files = await readZip(archive);
  const { file } = splitHandler(handler.includes('.') ? handler : `index.${handler}`);
  const entry = findEntryFile(file, files);
  if (entry === undefined)
    throw usageProblem('the handler is not in the package', `it has no ${file}.js, .mjs, .cjs, .ts or .mts`, '--handler <file>.<export>');
  return { archive, entry, digest: digestOf(archive) };
}

async function readArchive(path: string): Promise<Buffer> {
  return await readFile(path).catch((cause: unknown) => {
    throw usageProblem('the archive cannot be read', messageOf(cause), '--zip with the path of a zip archive');
  });
}

/** Files that tools create for themselves, and links to commands, which no code imports. */
const excluded = /(?:^|\/)(?:\.git|\.sequent|node_modules\/\.bin|node_modules\/\.cache)(?:\/|$)/;

async function filesIn(folder: string): Promise<ZipFile[]> {
  const root = resolve(folder);
  const found = await readdir(root, { recursive: true }).catch((cause: unknown) => {
    throw usageProblem('the folder cannot be read', messageOf(cause), '--folder with the path of a folder');
  });
  const paths = found.map((path) => relative(root, join(root, path)).replaceAll(sep, '/')).filter((path) => !excluded.test(path));
  const files: ZipFile[] = [];
  let bytes = 0;
  for (const path of paths) {
    const stats = await lstat(join(root, path));
    if (stats.isDirectory()) continue;
    if (!stats.isFile())
      throw usageProblem('the folder cannot be packed', `${path} is neither a file nor a folder`, 'a folder that holds files only');
    bytes += stats.size;
    if (files.length >= ZIP_LIMITS.entries || bytes > ZIP_LIMITS.totalBytes) {
      const why = `it has more than ${ZIP_LIMITS.entries} files or ${ZIP_LIMITS.totalBytes} bytes`;
      throw usageProblem('the folder cannot be packed', why, 'a folder that holds only the code of the function');
    }
    files.push({ path, content: await readFile(join(root, path)) });
  }
  return files;
}
