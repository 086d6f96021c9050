import { chmod, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const OTHERS = 0o077;

/**
 * Makes a folder private to its owner, with everything in it; later files of this process are private from their start.
 *
 * A folder that is private already is not read: other users do not reach its files. Files of another owner stay as they are.
 */
export async function makePrivate(folder: string): Promise<void> {
  process.umask(OTHERS);
  await mkdir(folder, { recursive: true });
  const { mode } = await stat(folder);
  if ((mode & OTHERS) === 0) return;
  // The folder first: no other user can enter while its content changes.
  await withdraw(folder);
  for (const name of await readdir(folder, { recursive: true })) await withdraw(join(folder, name));
}

/** Takes the permissions of other users away. A link is no file of the folder. */
async function withdraw(path: string): Promise<void> {
  try {
    const { mode } = await lstat(path);
    const isLink = (mode & 0o170000) === 0o120000;
    if (!isLink && (mode & OTHERS) !== 0) await chmod(path, mode & 0o700);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'EPERM', 'EROFS'].includes(code)) throw error;
  }
}

/**
 * The files among `paths` that other users of the machine can read. Missing files do not count.
 *
 * The group of another owner's file does not count: this process reads the file by it, as a secret that Kubernetes mounts.
 */
export async function readableByOthers(paths: readonly (string | undefined)[], ownUid = process.getuid?.()): Promise<string[]> {
  const readable: string[] = [];
  for (const path of paths) {
    if (path === undefined) continue;
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    const others = found.uid === ownUid || ownUid === 0 ? 0o044 : 0o004;
    if ((found.mode & others) !== 0) readable.push(path);
  }
  return readable;
}
