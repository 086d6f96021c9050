import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { readZip, type ZipFile } from '#src/core/zip/read-zip.ts';

/* The files of an unpacked package, and a hash by which a folder is compared with its package. */

/**
 * Reads the files of a package, with a `package.json`.
 *
 * Without that file, Node would take the module type from a package.json of a parent folder. Without "type", the code decides.
 */
export async function readPackage(archive: Buffer): Promise<ZipFile[]> {
  const files: ZipFile[] = await readZip(archive);
  if (files.some(({ path }) => path === 'package.json')) return files;
  return [...files, { path: 'package.json', content: Buffer.from('{}') }];
}

export async function hashOfArchive(archive: Buffer): Promise<string> {
  return hashOf((await readPackage(archive)).map(({ path, content }) => [path, digestOf(content)]));
}

/** The hash of the files in a folder; `undefined` when there is no folder. A link or a special file never equals a package. */
export async function hashOfFolder(folder: string): Promise<string | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(ignoreMissing);
  if (entries === undefined) return undefined;
  const lines: Line[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) lines.push([relative(folder, path), digestOf(await readFile(path))]);
    else if (!entry.isDirectory()) lines.push([relative(folder, path), 'no file']);
  }
  return hashOf(lines);
}

type Line = [path: string, digest: string];

function hashOf(lines: Line[]): string {
  return digestOf(JSON.stringify(lines.sort(([one], [other]) => (one < other ? -1 : 1))));
}

function digestOf(content: string | Uint8Array): string {
  return createHash('sha512').update(content).digest('hex');
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
