import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidInputError } from '#src/core/errors.ts';
import { type CodePackages, digestOf, type PackageOwner, packageName, parsePackageName } from '#src/core/ports/stores/code-packages.ts';
import { createFairTurns } from '#src/core/quotas/fair-turns.ts';
import { asBuffer, digestInParts } from '#src/core/quotas/in-parts.ts';
import { hashOfFolder, hashOfPackage } from './package-content.ts';
import { isDigest, removeFolder, removeUnused, touch, unpack } from './package-folders.ts';

/** The unpacked code packages on this machine. Several processes may share the folder. */
export interface PackageCache {
  /**
   * Opens the folder of a package with its layers, which stays until `release`. Fetches and unpacks them when the folder is absent.
   *
   * Throws `InvalidInputError` when the owner uploaded no such package, or the store has other content under its digest.
   */
  open(digest: string, owner?: PackageOwner, layers?: readonly string[]): Promise<OpenedPackage>;
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
  /** The bytes of the unpacked packages of the folder. One more than fits, beside those in use, is a failure of the platform, which is tried again. */
  maxUnpackedBytes?: number;
};

/** How often the folders in use are touched, so that other processes keep them. */
const TOUCH_EVERY_MS = 60_000;
const DAY_IN_MS = 86_400_000;
const MAX_UNPACKED_BYTES = 8 * 1_024 ** 3;

/** The packages that are unpacked or compared at one moment. Each takes up to 200 MB. One more waits for its turn. */
const MAX_UNPACKING = 4;

type Opened = { users: number; folder: Promise<string> };

export function createPackageCache(options: PackageCacheOptions): PackageCache {
  const { packages, folder, maxPackages = 100, keepUnusedInMs = DAY_IN_MS, maxUnpackedBytes: maxBytes = MAX_UNPACKED_BYTES } = options;
  /** By the name of the package, which contains its owner, as `hashes` is. */
  const opened = new Map<string, Opened>();
  const hashes = new Map<string, string>();
  const sizes = new Map<string, number>();
  // Nobody else has a temporary folder.
  const touchedWithinMs = folder === undefined ? 0 : 2 * TOUCH_EVERY_MS;
  const inTurn = createFairTurns(MAX_UNPACKING);
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
  async function expectedHash(name: string, parts: readonly string[]): Promise<string> {
    const known = hashes.get(name) ?? (await hashOfPackage(fetchParts(packages, parts)));
    hashes.set(name, known);
    return known;
  }

  /** Compares the files on the disk with the package whenever no process of this worker runs it yet. */
  async function unpacked(name: string, parts: readonly string[]): Promise<string> {
    const { digest } = parsePackageName(name);
    if (!isDigest(digest)) throw new InvalidInputError({ field: 'the code package', problem: 'has a name that is not a digest' });
    const target = join(await openParent(), digest);
    const found = await hashOfFolder(target);
    if (found !== undefined && found === (await expectedHash(name, parts))) {
      await touch(target);
      return target;
    }
    // The folder was changed on this machine.
    if (found !== undefined) await removeFolder(target);
    await unpack(fetchParts(packages, parts), target);
    await makeRoom(target);
    return target;
  }

  /** Throws when the packages in use, with the new one, have too many bytes. */
  async function makeRoom(added: string): Promise<void> {
    // Projects that uploaded the same package share its folder.
    const isInUse = (digest: string): boolean => [...opened.keys()].some((name) => parsePackageName(name).digest === digest);
    const bytes = await removeUnused(await openParent(), { maxPackages, keepUnusedInMs, maxBytes, sizes, touchedWithinMs, isInUse });
    for (const name of hashes.keys()) if (!opened.has(name) && !sizes.has(parsePackageName(name).digest)) hashes.delete(name);
    if (bytes <= maxBytes) return;
    await removeFolder(added);
    throw new Error(`the unpacked packages in use on this worker leave no room: they may have ${maxBytes} bytes together`);
  }

  function addUser(name: string, parts: readonly string[]): Opened {
    const present = opened.get(name) ?? { users: 0, folder: inTurn(parsePackageName(name).owner, () => unpacked(name, parts)) };
    opened.set(name, present);
    present.users++;
    return present;
  }

  return {
    async open(digest, owner, layers = []) {
      const { name, parts } = namesOf(digest, { owner, layers });
      const present = addUser(name, parts);
      let isReleased = false;
      const release = (): void => {
        if (isReleased) return;
        isReleased = true;
        present.users--;
        if (present.users === 0 && opened.get(name) === present) opened.delete(name);
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

/** The names of a package with its layers, and of its parts. Each combination has a folder of its own, named after the digest of its digests. */
function namesOf(digest: string, { owner, layers }: { owner: PackageOwner; layers: readonly string[] }): { name: string; parts: string[] } {
  const combined = layers.length === 0 ? digest : digestOf(Buffer.from([...layers, digest].join()));
  return { name: packageName(combined, owner), parts: [...layers, digest].map((part) => packageName(part, owner)) };
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

async function* fetchParts(packages: Pick<CodePackages, 'get'>, names: readonly string[]): AsyncIterable<Buffer> {
  for (const name of names) yield await fetchPackage(packages, name);
}

async function fetchPackage(packages: Pick<CodePackages, 'get'>, name: string): Promise<Buffer> {
  const { digest, owner } = parsePackageName(name);
  const archive = await packages.get(digest, owner);
  const field = `the code package ${digest.slice(0, 12)}…`;
  if (archive === undefined)
    throw new InvalidInputError({ field, problem: 'is not in the store, or the project of the function did not upload it' });
  if ((await digestInParts(archive)) !== digest)
    throw new InvalidInputError({ field, problem: 'was changed in the store: its content has another digest' });
  return asBuffer(archive);
}
