import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readPackage } from './package-content.ts';

/** The folders of unpacked packages, named after their digests. Several processes share them; each step leaves no partial folder. */

/** After this time, the temporary folder of a process that died is removed. */
const TEMPORARY_FOR_MS = 3_600_000;

const digestPattern = /^[0-9a-f]{128}$/;

export function isDigest(name: string): boolean {
  return digestPattern.test(name);
}

/** Unpacks a zip into a temporary folder, and renames that folder to `target`. */
export async function unpack(archive: Buffer, target: string): Promise<void> {
  const files = await readPackage(archive);
  const temporary = join(dirname(target), `.making-${randomBytes(8).toString('hex')}`);
  try {
    await mkdir(temporary);
    for (const { path, content } of files) {
      const file = join(temporary, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { flag: 'wx' });
    }
    await makeReadable(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another process may have unpacked the same package meanwhile.
    if (!(await exists(target))) throw error;
  }
}

/** Processes of other users may read the code, and only the worker's user may change it. */
async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}

/** Removes a folder so that no process finds a part of it. */
export async function removeFolder(folder: string): Promise<void> {
  const removed = join(dirname(folder), `.gone-${randomBytes(8).toString('hex')}`);
  await rename(folder, removed).catch(() => {});
  await rm(removed, { recursive: true, force: true });
}

/** Records that a folder is in use now, for all processes. */
export async function touch(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now).catch(() => {});
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

export type RemovalOptions = {
  maxPackages: number;
  keepUnusedInMs: number;
  /** Whether this process uses the package. */
  isInUse: (digest: string) => boolean;
};

/** Removes the packages beyond `maxPackages` that no process has used for long, and the temporary folders of dead processes. */
export async function removeUnused(parent: string, { maxPackages, keepUnusedInMs, isInUse }: RemovalOptions): Promise<void> {
  const now = Date.now();
  const folders = await Promise.all((await readdir(parent)).map(async (name) => ({ name, usedAt: await modifiedAt(join(parent, name)) })));
  const abandoned = folders.filter(({ name, usedAt }) => /^\.(making|gone)-/.test(name) && now - usedAt > TEMPORARY_FOR_MS);
  const present = folders.filter(({ name }) => isDigest(name)).sort((one, other) => one.usedAt - other.usedAt);
  const unused = present
    .slice(0, Math.max(0, present.length - maxPackages))
    .filter(({ name, usedAt }) => !isInUse(name) && now - usedAt > keepUnusedInMs);
  for (const { name } of [...abandoned, ...unused]) await removeFolder(join(parent, name));
}

async function modifiedAt(path: string): Promise<number> {
  return await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
}
