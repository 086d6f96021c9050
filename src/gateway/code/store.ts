import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ZipFile } from './zip.ts';

/** The code of functions, unpacked, by digest: the same code is there once, and what is there never changes. */
export interface CodeStore {
  /** Stores files; returns the folder that holds them. A folder is there as a whole or not at all. */
  put(key: string, files: readonly ZipFile[]): Promise<string>;
}

export function digestOf(code: Uint8Array): string {
  return createHash('sha512').update(code).digest('hex');
}

export function createCodeStore(folder: string): CodeStore {
  return {
    async put(key, files) {
      const target = join(folder, key);
      if (await exists(target)) return target;
      const making = join(folder, `.making-${randomBytes(8).toString('hex')}`);
      try {
        for (const { path, content } of files) {
          const file = join(making, path);
          await mkdir(dirname(file), { recursive: true });
          await writeFile(file, content, { flag: 'wx' });
        }
        await mkdir(making, { recursive: true });
        // Without one that of a folder above would say whether the code is ESM; without "type" in it, the code itself does.
        await writeFile(join(making, 'package.json'), '{}', { flag: 'wx' }).catch(ignoreExisting);
        await rename(making, target);
      } catch (error) {
        await rm(making, { recursive: true, force: true });
        // Somebody else stored the same meanwhile.
        if (!(await exists(target))) throw error;
      }
      return target;
    },
  };
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
