import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { InvalidInputError } from '#src/core/errors.ts';
import { digestInParts, PART_BYTES } from '#src/core/quotas/in-parts.ts';
import { readZip, ZIP_LIMITS, type ZipFile } from '#src/core/zip/read-zip.ts';

/* The files of an unpacked package, and a hash by which a folder is compared with its package. */

/** The archives of a package with its layers, the package last. Each is fetched when those before it were read. */
export type Archives = Iterable<Buffer> | AsyncIterable<Buffer>;

/**
 * Reads the files of a package with its layers, and with a `package.json`. Of files of one path, the last one counts. Throws
 * `InvalidInputError` when they are too large together, before a further archive is read: twenty layers could be 2.5 GB.
 *
 * Without that file, Node would take the module type from a package.json of a parent folder. Without "type", the code decides.
 */
export async function readPackage(archives: Archives): Promise<ZipFile[]> {
  const files = new Map<string, ZipFile>([['package.json', { path: 'package.json', content: Buffer.from('{}') }]]);
  for await (const archive of archives) {
    for (const file of await readZip(archive)) files.set(file.path, file);
    const bytes = [...files.values()].reduce((sum, { content }) => sum + content.length, 0);
    if (files.size - 1 > ZIP_LIMITS.entries || bytes > ZIP_LIMITS.totalBytes)
      throw refused(`has more than ${ZIP_LIMITS.entries} files or ${ZIP_LIMITS.totalBytes} bytes with its layers`);
  }
  for (const path of files.keys())
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1))
      if (files.has(path.slice(0, cut))) throw refused(`has a file and a folder of the name "${path.slice(0, cut)}" with its layers`);
  return [...files.values()];
}

function refused(problem: string): InvalidInputError {
  return new InvalidInputError({ field: 'the code package', problem });
}

export async function hashOfPackage(archives: Archives): Promise<string> {
  const lines: Line[] = [];
  let bytes = 0;
  for (const { path, content, isExecutable } of await readPackage(archives)) {
    lines.push([path, await digestInParts(content), isExecutable ?? false]);
    bytes += content.length;
    if (bytes < PART_BYTES) continue;
    await setImmediate();
    bytes = 0;
  }
  return await hashOf(lines);
}

/** The hash of the files in a folder and of which ones are executable; `undefined` when there is no folder. A link or a special file never equals a package. */
export async function hashOfFolder(folder: string): Promise<string | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(ignoreMissing);
  if (entries === undefined) return undefined;
  const lines: Line[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile())
      lines.push([relative(folder, path), await digestInParts(await readFile(path)), ((await stat(path)).mode & 0o100) !== 0]);
    else if (!entry.isDirectory()) lines.push([relative(folder, path), 'no file', false]);
  }
  return await hashOf(lines);
}

type Line = [path: string, digest: string, isExecutable: boolean];

async function hashOf(lines: Line[]): Promise<string> {
  const text = JSON.stringify(lines.sort(([one], [other]) => (one < other ? -1 : 1)));
  return await digestInParts(Buffer.from(text));
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
