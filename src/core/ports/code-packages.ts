import { createHash } from 'node:crypto';
import { InvalidInputError } from '#src/core/errors.ts';

/**
 * The code of functions: zip archives by digest. The content of a digest never changes, and every worker can read it.
 *
 * The store is not trusted: a reader compares each package with its digest.
 */
export interface CodePackages {
  /** Stores an archive; resolves to its digest. Storing an archive again renews its time. Throws `InvalidInputError`. */
  put(archive: Uint8Array): Promise<string>;
  get(digest: string): Promise<Uint8Array | undefined>;
  list(): Promise<StoredPackage[]>;
  delete(digest: string): Promise<void>;
}

type StoredPackage = { digest: string; bytes: number; storedAt: number };

export const MAX_ARCHIVE_BYTES = 64 * 1_024 * 1_024;

/** SHA-512 in hexadecimal digits, which is FunctionGraph's digest of code. */
export function digestOf(code: Uint8Array): string {
  return createHash('sha512').update(code).digest('hex');
}

/** The digest of an archive. Throws `InvalidInputError` for an archive that is too large. */
export function digestOfArchive(archive: Uint8Array): string {
  if (archive.length <= MAX_ARCHIVE_BYTES) return digestOf(archive);
  const problem = `has ${archive.length} bytes; at most ${MAX_ARCHIVE_BYTES} are accepted`;
  throw new InvalidInputError({ field: 'the code package', problem });
}
