import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveStore } from '#src/core/ports/stores/archive.ts';

/** Stores segments in a folder. A file appears whole: it is written and synced under a temporary name, and then gets its name. */
export function createFolderStore(folder: string): ArchiveStore {
  async function write(name: string, content: Buffer): Promise<string> {
    const path = join(folder, name);
    // Segments hold payloads of users, so only the owner may read them.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const temporary = `${path}.${randomBytes(6).toString('hex')}.new`;
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    return temporary;
  }

  return {
    name: folder,
    async list(prefix) {
      const names = await readdir(join(folder, prefix)).catch(fallbackWhenMissing<string[]>([]));
      return names
        .filter((name) => !name.endsWith('.new'))
        .sort()
        .map((name) => prefix + name);
    },
    get: (name) => readFile(join(folder, name)).catch(fallbackWhenMissing(undefined)),
    async head(name, bytes) {
      const file = await open(join(folder, name)).catch(fallbackWhenMissing(undefined));
      if (file === undefined) return undefined;
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    async create(name, content) {
      const temporary = await write(name, content);
      try {
        // A rename would replace the file of another janitor; a link fails instead.
        await link(temporary, join(folder, name));
        await syncFolder(dirname(join(folder, name)));
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
      } finally {
        await unlink(temporary);
      }
    },
    async replace(name, content) {
      const temporary = await write(name, content);
      await rename(temporary, join(folder, name)).catch(async (error: unknown) => {
        await rm(temporary, { force: true });
        throw error;
      });
      await syncFolder(dirname(join(folder, name)));
    },
  };
}

/** A file name is durable after its folder is synced. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function fallbackWhenMissing<Value>(fallback: Value): (error: NodeJS.ErrnoException) => Value {
  return (error) => {
    if (error.code === 'ENOENT') return fallback;
    throw error;
  };
}
