import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveStore } from '#src/core/ports/archive.ts';

/** Segments in a folder. A file appears whole: it is written beside its place, synced, and then given its name. */
export function createFolderStore(folder: string): ArchiveStore {
  async function write(name: string, content: Buffer): Promise<string> {
    const path = join(folder, name);
    // It holds what users sent.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const beside = `${path}.${randomBytes(6).toString('hex')}.new`;
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    return beside;
  }

  return {
    name: folder,
    async list(prefix) {
      const names = await readdir(join(folder, prefix)).catch(noneWhenMissing<string[]>([]));
      return names
        .filter((name) => !name.endsWith('.new'))
        .sort()
        .map((name) => prefix + name);
    },
    get: (name) => readFile(join(folder, name)).catch(noneWhenMissing(undefined)),
    async head(name, bytes) {
      const file = await open(join(folder, name)).catch(noneWhenMissing(undefined));
      if (file === undefined) return undefined;
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    async create(name, content) {
      const beside = await write(name, content);
      try {
        // A rename would take the place of another's file; a link does not.
        await link(beside, join(folder, name));
        await syncFolder(dirname(join(folder, name)));
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
      } finally {
        await unlink(beside);
      }
    },
    async replace(name, content) {
      const beside = await write(name, content);
      await rename(beside, join(folder, name)).catch(async (error: unknown) => {
        await rm(beside, { force: true });
        throw error;
      });
      await syncFolder(dirname(join(folder, name)));
    },
  };
}

/** A name is durable once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function noneWhenMissing<Value>(none: Value): (error: NodeJS.ErrnoException) => Value {
  return (error) => {
    if (error.code === 'ENOENT') return none;
    throw error;
  };
}
