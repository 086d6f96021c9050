import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidInputError } from '#src/core/errors.ts';
import { type CodePackages, digestOf, type PackageOwner, packageName, parsePackageName } from '#src/core/ports/stores/code-packages.ts';
import { hashOfArchive, hashOfFolder } from './package-content.ts';
import { isDigest, removeFolder, removeUnused, touch, unpack } from './package-folders.ts';

/** The unpacked code packages on this machine. Several processes may share the folder. */
export interface PackageCache {
  /**
   * Opens the folder of a package, which stays until `release`. Fetches and unpacks the package when the folder is absent.
   *
   * Throws `InvalidInputError` when the owner uploaded no such package, or the store has other content under its digest.
   */
  open(digest: string, owner?: PackageOwner): Promise<OpenedPackage>;
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
  /** By the name of the package, which contains its owner, as `hashes` is. */
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
  async function expectedHash(name: string): Promise<string> {
    const known = hashes.get(name) ?? (await hashOfArchive(await fetchPackage(packages, name)));
    hashes.set(name, known);
    return known;
  }

  /** Compares the files on the disk with the package whenever no process of this worker runs it yet. */
  async function unpacked(name: string): Promise<string> {
    const { digest } = parsePackageName(name);
    if (!isDigest(digest)) throw new InvalidInputError({ field: 'the code package', problem: 'has a name that is not a digest' });
    const target = join(await openParent(), digest);
    const found = await hashOfFolder(target);
    if (found !== undefined && found === (await expectedHash(name))) {
      await touch(target);
      return target;
    }
    // The folder was changed on this machine.
    if (found !== undefined) await removeFolder(target);
    await unpack(await fetchPackage(packages, name), target);
    await removeUnused(await openParent(), { maxPackages, keepUnusedInMs, isInUse });
    return target;
  }

  /** Projects that uploaded the same package share its folder. */
  function isInUse(digest: string): boolean {
    return [...opened.keys()].some((name) => parsePackageName(name).digest === digest);
  }

  function addUser(name: string): Opened {
    const present = opened.get(name) ?? { users: 0, folder: unpacked(name) };
    opened.set(name, present);
    present.users++;
    return present;
  }

  function removeUser(name: string, present: Opened): void {
    present.users--;
    if (present.users === 0 && opened.get(name) === present) opened.delete(name);
  }

  return {
    async open(digest, owner) {
      const name = packageName(digest, owner);
      const present = addUser(name);
      let isReleased = false;
      const release = (): void => {
        if (!isReleased) removeUser(name, present);
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

async function fetchPackage(packages: Pick<CodePackages, 'get'>, name: string): Promise<Buffer> {
  const { digest, owner } = parsePackageName(name);
  const archive = await packages.get(digest, owner);
  const field = `the code package ${digest.slice(0, 12)}…`;
  if (archive === undefined)
    throw new InvalidInputError({ field, problem: 'is not in the store, or the project of the function did not upload it' });
  if (digestOf(archive) !== digest)
    throw new InvalidInputError({ field, problem: 'was changed in the store: its content has another digest' });
  return Buffer.from(archive.buffer, archive.byteOffset, archive.length);
}
