import { createHash } from 'node:crypto';
import { InvalidInputError } from '#src/core/errors.ts';

/**
 * The code of functions, as zip archives by their digest: what is stored under a digest never changes, and every worker gets it.
 *
 * Nobody is trusted to give back what was stored: who uses a package compares it with its digest.
 */
export interface CodePackages {
  /** Stores an archive; resolves to its digest. One that is there already counts as stored now. Throws `InvalidInputError`. */
  put(archive: Uint8Array): Promise<string>;
  get(digest: string): Promise<Uint8Array | undefined>;
  list(): Promise<StoredPackage[]>;
  delete(digest: string): Promise<void>;
}

type StoredPackage = { digest: string; bytes: number; storedAt: number };

export const MAX_ARCHIVE_BYTES = 64 * 1_024 * 1_024;

/** SHA-512 in hexadecimal digits, as FunctionGraph names code. */
export function digestOf(code: Uint8Array): string {
  return createHash('sha512').update(code).digest('hex');
}

/** The digest of an archive that may be stored. Throws `InvalidInputError`. */
export function digestOfArchive(archive: Uint8Array): string {
  if (archive.length <= MAX_ARCHIVE_BYTES) return digestOf(archive);
  const problem = `has ${archive.length} bytes; at most ${MAX_ARCHIVE_BYTES} are accepted`;
  throw new InvalidInputError({ field: 'the code package', problem });
}
