import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type Archives, readPackage } from './package-content.ts';

/** The folders of unpacked packages, named after their digests. Several processes share them; each step leaves no partial folder. */

/** After this time, the temporary folder of a process that died is removed. */
const TEMPORARY_FOR_MS = 3_600_000;

const digestPattern = /^[0-9a-f]{128}$/;

export function isDigest(name: string): boolean {
  return digestPattern.test(name);
}

/** Unpacks a package with its layers into a temporary folder, and renames that folder to `target`. */
export async function unpack(archives: Archives, target: string): Promise<void> {
  const files = await readPackage(archives);
  const temporary = join(dirname(target), `.making-${randomBytes(8).toString('hex')}`);
  try {
    await mkdir(temporary);
    for (const { path, content } of files) {
      const file = join(temporary, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { flag: 'wx' });
    }
    await makeReadable(temporary, new Set(files.filter(({ isExecutable }) => isExecutable).map(({ path }) => path)));
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another process may have unpacked the same package meanwhile.
    if (!(await exists(target))) throw error;
  }
}

/** Processes of other users may read the code, and only the worker's user may change it. */
async function makeReadable(folder: string, executable: ReadonlySet<string>): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    await chmod(path, entry.isDirectory() || executable.has(relative(folder, path)) ? 0o755 : 0o644);
  }
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
  maxBytes: number;
  /** The sizes of the packages that were measured before. */
  sizes: Map<string, number>;
  /** After this time without a touch, no other process uses a package. */
  touchedWithinMs: number;
  /** Whether this process uses the package. */
  isInUse: (digest: string) => boolean;
};

/**
 * Removes the packages beyond `maxPackages` that no process has used for long, those beyond `maxBytes` that no process uses, and the temporary
 * folders of dead processes. Resolves to the bytes of the packages that stay.
 */
export async function removeUnused(parent: string, options: RemovalOptions): Promise<number> {
  const { maxPackages, keepUnusedInMs, maxBytes, sizes, touchedWithinMs, isInUse } = options;
  const now = Date.now();
  const folders = await Promise.all((await readdir(parent)).map(async (name) => ({ name, usedAt: await modifiedAt(join(parent, name)) })));
  for (const { name, usedAt } of folders)
    if (/^\.(making|gone)-/.test(name) && now - usedAt > TEMPORARY_FOR_MS) await removeFolder(join(parent, name));
  const present = folders.filter(({ name }) => isDigest(name)).sort((one, other) => one.usedAt - other.usedAt);
  await measure(parent, { names: new Set(present.map(({ name }) => name)), sizes });
  let bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  let surplus = present.length - maxPackages;
  for (const { name, usedAt } of present) {
    const unusedForMs = now - usedAt;
    const isSurplus = surplus-- > 0 && unusedForMs > keepUnusedInMs;
    if (isInUse(name) || !(isSurplus || (bytes > maxBytes && unusedForMs >= touchedWithinMs))) continue;
    await removeFolder(join(parent, name));
    bytes -= sizes.get(name) ?? 0;
  }
  return bytes;
}

/** Records the sizes of the folders of these names alone. */
async function measure(parent: string, { names, sizes }: { names: ReadonlySet<string>; sizes: Map<string, number> }): Promise<void> {
  for (const name of sizes.keys()) if (!names.has(name)) sizes.delete(name);
  for (const name of names) if (!sizes.has(name)) sizes.set(name, await bytesOf(join(parent, name)));
}

const BLOCK_BYTES = 4_096;

/** What the files and folders of a folder take on the disk, about; 0 when it is gone. */
async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    const size = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    bytes += Math.ceil((size?.size ?? 0) / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return bytes;
}

async function modifiedAt(path: string): Promise<number> {
  return await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
}
