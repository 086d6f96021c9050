import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InvalidInputError } from '#src/core/errors.ts';
import { type CodePackages, digestOf } from '#src/core/ports/code-packages.ts';
import { readZip } from '#src/core/zip/read-zip.ts';

/** The unpacked code of functions, on this machine. Several processes may share the folder. */
export interface PackageCache {
  /**
   * The folder of a package, which stays there until it is released. Fetched and unpacked when it is not there.
   *
   * Throws `InvalidInputError` when the store does not have it, or has something else under its digest.
   */
  open(digest: string): Promise<OpenedPackage>;
  close(): Promise<void>;
}

type OpenedPackage = { folder: string; release(): void };

export type PackageCacheOptions = {
  packages: Pick<CodePackages, 'get'>;
  /** Where they are unpacked; a folder of its own, removed at the end, unless it is said. */
  folder?: string | undefined;
  /** Above this many, those that nobody used for long are removed. */
  most?: number;
  /** How long a package stays that nobody uses, in milliseconds. */
  keepUnusedInMs?: number;
};

const isDigest = /^[0-9a-f]{128}$/;
/** How often it is noted on the disk what is in use, so that other processes see it. */
const NOTE_EVERY_MS = 600_000;
const HOUR_IN_MS = 3_600_000;

type Held = { users: number; folder: Promise<string> };

export function createPackageCache({ packages, folder, most = 100, keepUnusedInMs = 24 * HOUR_IN_MS }: PackageCacheOptions): PackageCache {
  const held = new Map<string, Held>();
  let home: Promise<string> | undefined;
  const noting = setInterval(() => {
    for (const { folder: opened } of held.values()) void opened.then(note, () => {});
  }, NOTE_EVERY_MS).unref();

  function openHome(): Promise<string> {
    home ??= makeHome().catch((error: unknown) => {
      // The disk may have room again at the next call.
      home = undefined;
      throw error;
    });
    return home;
  }

  async function makeHome(): Promise<string> {
    if (folder === undefined) return await mkdtemp(join(tmpdir(), 'sequent-code-'));
    await mkdir(folder, { recursive: true });
    return folder;
  }

  async function unpacked(digest: string): Promise<string> {
    if (!isDigest.test(digest)) throw new InvalidInputError({ field: 'the code package', problem: 'is named by no digest' });
    const target = join(await openHome(), digest);
    if (await exists(target)) {
      await note(target);
      return target;
    }
    await unpack(await fetch(digest), target);
    await removeUnused(await openHome());
    return target;
  }

  async function fetch(digest: string): Promise<Buffer> {
    const archive = await packages.get(digest);
    const field = `the code package ${digest.slice(0, 12)}…`;
    if (archive === undefined) throw new InvalidInputError({ field, problem: 'is not in the store' });
    if (digestOf(archive) !== digest)
      throw new InvalidInputError({ field, problem: 'was changed in the store: its content has another digest' });
    return Buffer.from(archive.buffer, archive.byteOffset, archive.length);
  }

  /** Removes what no process has used for long, oldest first, and what a dead process left half made. */
  async function removeUnused(parent: string): Promise<void> {
    const now = Date.now();
    const found = await Promise.all((await readdir(parent)).map(async (name) => ({ name, usedAt: await modifiedAt(join(parent, name)) })));
    const leftovers = found.filter(({ name, usedAt }) => /^\.(making|gone)-/.test(name) && now - usedAt > HOUR_IN_MS);
    const present = found.filter(({ name }) => isDigest.test(name)).sort((one, other) => one.usedAt - other.usedAt);
    const unused = present
      .slice(0, Math.max(0, present.length - most))
      .filter(({ name, usedAt }) => !held.has(name) && now - usedAt > keepUnusedInMs);
    for (const { name } of [...leftovers, ...unused]) {
      const gone = join(parent, `.gone-${randomBytes(8).toString('hex')}`);
      // At once, so that nobody finds half of it.
      await rename(join(parent, name), gone).catch(() => {});
      await rm(gone, { recursive: true, force: true });
    }
  }

  return {
    async open(digest) {
      let entry = held.get(digest);
      if (entry === undefined) {
        entry = { users: 0, folder: unpacked(digest) };
        held.set(digest, entry);
      }
      const mine = entry;
      mine.users++;
      let isReleased = false;
      const release = (): void => {
        if (isReleased) return;
        isReleased = true;
        mine.users--;
        if (mine.users === 0 && held.get(digest) === mine) held.delete(digest);
      };
      try {
        return { folder: await mine.folder, release };
      } catch (error) {
        release();
        throw error;
      }
    },
    async close() {
      clearInterval(noting);
      if (folder === undefined && home !== undefined) await rm(await home, { recursive: true, force: true });
    },
  };
}

/** A folder is there as a whole or not at all. */
async function unpack(archive: Buffer, target: string): Promise<void> {
  const files = await readZip(archive);
  const making = join(dirname(target), `.making-${randomBytes(8).toString('hex')}`);
  try {
    await mkdir(making);
    for (const { path, content } of files) {
      const file = join(making, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { flag: 'wx' });
    }
    // Without one that of a folder above would say whether the code is ESM; without "type" in it, the code itself does.
    await writeFile(join(making, 'package.json'), '{}', { flag: 'wx' }).catch(ignoreExisting);
    await rename(making, target);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    // Another process unpacked the same meanwhile.
    if (!(await exists(target))) throw error;
  }
}

async function note(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now).catch(() => {});
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

async function modifiedAt(path: string): Promise<number> {
  return await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
