import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { usageProblem } from './problem.ts';

/** Adds a new master key as the first line of a file, so that the key becomes the current one. Throws like {@link changeKeyFile}. */
export async function addMasterKey(file: string): Promise<void> {
  await changeKeyFile(file, (present) => {
    const { byId } = parseMasterKeys(present, `the file ${file}`);
    return `${newId(byId, new Date())} ${randomBytes(32).toString('base64')}\n${present}`;
  });
}

/**
 * Replaces a file of master keys as a whole, so that no process reads a part of it. A lost master key cannot be replaced, so `<file>.new`
 * is the lock of a change: it exists from before the file is read until it becomes the file.
 *
 * Throws `CommandError` while another process has the lock. After any other error, the file is as it was.
 */
export async function changeKeyFile(file: string, change: (present: string) => string | Promise<string>): Promise<void> {
  const next = `${file}.new`;
  const lock = await openLock(next, (await stat(file)).mode);
  try {
    await lock.writeFile(await change(await readFile(file, 'utf8')));
    await lock.close();
    await rename(next, file);
  } catch (error) {
    await lock.close();
    await rm(next);
    throw error;
  }
}

async function openLock(next: string, mode: number): Promise<FileHandle> {
  return await open(next, 'wx', mode).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw usageProblem(
      'no master key was added',
      `${next} exists: another process changes the file, or was killed while it did`,
      'wait until the other sequent keys rotate has ended; if none runs, remove the .new file; then the same command again',
    );
  });
}

/** Two keys of one second have different ids. */
function newId(present: ReadonlyMap<string, unknown>, now: Date): string {
  const id = `k${now.toISOString().replace(/\D/g, '').slice(0, 14)}`;
  let unique = id;
  for (let count = 2; present.has(unique); count++) unique = `${id}-${count}`;
  return unique;
}
