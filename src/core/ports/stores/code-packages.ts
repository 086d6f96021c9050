import { createHash } from 'node:crypto';
import { InvalidInputError } from '#src/core/errors.ts';
import { digestInParts } from '#src/core/quotas/in-parts.ts';

/** The project that uploaded a package; `undefined` is the own project. */
export type PackageOwner = string | undefined;

/**
 * The code of functions: zip archives by digest. The content of a digest never changes, and every worker can read it.
 *
 * 1. A package belongs to each project that uploaded it. Another project that knows its digest neither reads nor runs it (U1).
 * 2. The store is not trusted: a reader compares each package with its digest.
 */
export interface CodePackages {
  /** Stores an archive; resolves to its digest. Storing an archive again renews its time. Throws `InvalidInputError`. */
  put(archive: Uint8Array, owner?: PackageOwner): Promise<string>;
  get(digest: string, owner?: PackageOwner): Promise<Uint8Array | undefined>;
  has(digest: string, owner?: PackageOwner): Promise<boolean>;
  /** The bytes of an archive, which {@link get} would read. */
  sizeOf(digest: string, owner?: PackageOwner): Promise<number | undefined>;
  list(): Promise<StoredPackage[]>;
  /** How many bytes the packages of an owner have together. */
  bytesOf(owner: PackageOwner): Promise<number>;
  delete(digest: string, owner?: PackageOwner): Promise<void>;
}

type StoredPackage = { digest: string; owner: PackageOwner; bytes: number; storedAt: number };

/** The name of the package of an owner. */
export function packageName(digest: string, owner: PackageOwner): string {
  return owner === undefined ? digest : `${owner}=${digest}`;
}

/** The reverse of {@link packageName}. */
export function parsePackageName(name: string): Pick<StoredPackage, 'digest' | 'owner'> {
  const at = name.indexOf('=');
  return at < 0 ? { digest: name, owner: undefined } : { digest: name.slice(at + 1), owner: name.slice(0, at) };
}

export const MAX_ARCHIVE_BYTES = 64 * 1_024 * 1_024;

/** SHA-512 in hexadecimal digits, which is FunctionGraph's digest of code; {@link digestOfArchive} is for contents of megabytes. */
export function digestOf(code: Uint8Array): string {
  return createHash('sha512').update(code).digest('hex');
}

/** The digest of an archive. Throws `InvalidInputError` for an archive that is too large. */
export async function digestOfArchive(archive: Uint8Array): Promise<string> {
  if (archive.length <= MAX_ARCHIVE_BYTES) return await digestInParts(archive);
  const problem = `has ${archive.length} bytes; at most ${MAX_ARCHIVE_BYTES} are accepted`;
  throw new InvalidInputError({ field: 'the code package', problem });
}
