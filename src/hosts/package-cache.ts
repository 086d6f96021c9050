import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidInputError } from '#src/core/errors.ts';
import { type CodePackages, digestOf } from '#src/core/ports/code-packages.ts';
import { hashOfArchive, hashOfFolder } from './package-content.ts';
import { isDigest, removeFolder, removeUnused, touch, unpack } from './package-folders.ts';

/** The unpacked code packages on this machine. Several processes may share the folder. */
export interface PackageCache {
  /**
   * Opens the folder of a package, which stays until `release`. Fetches and unpacks the package when the folder is absent.
   *
   * Throws `InvalidInputError` when the store lacks the package, or has other content under its digest.
   */
  open(digest: string): Promise<OpenedPackage>;
  close(): Promise<void>;
}

type OpenedPackage = { folder: string; release(): void };

export type PackageCacheOptions = {
  packages: Pick<CodePackages, 'get'>;
  /** Where packages are unpacked. By default a temporary folder, which `close` removes. */
  folder?: string | undefined;
  /** Beyond this number, packages that no process has used for long are removed. */
  maxPackages?: number;
  /** How long an unused package stays, in milliseconds. */
  keepUnusedInMs?: number;
};

/** How often the folders in use are touched, so that other processes keep them. */
const TOUCH_EVERY_MS = 600_000;
const DAY_IN_MS = 86_400_000;

type Opened = { users: number; folder: Promise<string> };

export function createPackageCache(options: PackageCacheOptions): PackageCache {
  const { packages, folder, maxPackages = 100, keepUnusedInMs = DAY_IN_MS } = options;
  const opened = new Map<string, Opened>();
  const hashes = new Map<string, string>();
  let parent: Promise<string> | undefined;
  const touching = setInterval(() => {
    for (const one of opened.values()) void one.folder.then(touch, () => {});
  }, TOUCH_EVERY_MS).unref();

  function openParent(): Promise<string> {
    parent ??= makeParent(folder).catch((error: unknown) => {
      // The next call tries again: the disk may have space by then.
      parent = undefined;
      throw error;
    });
    return parent;
  }

  /** From the store, whose packages prove their content. What the disk says of itself proves nothing. */
  async function expectedHash(digest: string): Promise<string> {
    const known = hashes.get(digest) ?? (await hashOfArchive(await fetchPackage(packages, digest)));
    hashes.set(digest, known);
    return known;
  }

  /** Compares the files on the disk with the package whenever no process of this worker runs it yet. */
  async function unpacked(digest: string): Promise<string> {
    if (!isDigest(digest)) throw new InvalidInputError({ field: 'the code package', problem: 'has a name that is not a digest' });
    const target = join(await openParent(), digest);
    const found = await hashOfFolder(target);
    if (found !== undefined && found === (await expectedHash(digest))) {
      await touch(target);
      return target;
    }
    // The folder was changed on this machine.
    if (found !== undefined) await removeFolder(target);
    await unpack(await fetchPackage(packages, digest), target);
    await removeUnused(await openParent(), { maxPackages, keepUnusedInMs, isInUse: (name) => opened.has(name) });
    return target;
  }

  function addUser(digest: string): Opened {
    const present = opened.get(digest) ?? { users: 0, folder: unpacked(digest) };
    opened.set(digest, present);
    present.users++;
    return present;
  }

  function removeUser(digest: string, present: Opened): void {
    present.users--;
    if (present.users === 0 && opened.get(digest) === present) opened.delete(digest);
  }

  return {
    async open(digest) {
      const present = addUser(digest);
      let isReleased = false;
      const release = (): void => {
        if (!isReleased) removeUser(digest, present);
        isReleased = true;
      };
      try {
        return { folder: await present.folder, release };
      } catch (error) {
        release();
        throw error;
      }
    },
    async close() {
      clearInterval(touching);
      if (folder === undefined && parent !== undefined) await rm(await parent, { recursive: true, force: true });
    },
  };
}

async function makeParent(folder: string | undefined): Promise<string> {
  if (folder === undefined) {
    const made = await mkdtemp(join(tmpdir(), 'sequent-code-'));
    // Functions may run as other users, who can open a package whose digest they know, and cannot list the others.
    await chmod(made, 0o711);
    return made;
  }
  await mkdir(folder, { recursive: true });
  return folder;
}

async function fetchPackage(packages: Pick<CodePackages, 'get'>, digest: string): Promise<Buffer> {
  const archive = await packages.get(digest);
  const field = `the code package ${digest.slice(0, 12)}…`;
  if (archive === undefined) throw new InvalidInputError({ field, problem: 'is not in the store' });
  if (digestOf(archive) !== digest)
    throw new InvalidInputError({ field, problem: 'was changed in the store: its content has another digest' });
  return Buffer.from(archive.buffer, archive.byteOffset, archive.length);
}
