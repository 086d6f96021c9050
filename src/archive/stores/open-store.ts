import { InvalidInputError } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { ArchiveStore } from '#src/core/ports/stores/archive.ts';
import { createFolderStore } from './folder-store.ts';
import { parseS3Location } from './s3-location.ts';
import { createS3Store } from './s3-store.ts';

export type StoreOptions = {
  env: Readonly<Record<string, string | undefined>>;
  /** Dates the signatures of requests to a bucket; the local clock by default. */
  clock?: Pick<Clock, 'now'>;
};

/**
 * Opens the store at a location: a folder, or `s3://…` with the usual environment variables for the credentials.
 *
 * Throws `InvalidInputError`.
 */
export function openArchiveStore(location: string, { env, clock }: StoreOptions): ArchiveStore {
  if (!location.startsWith('s3:')) return createFolderStore(location);
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw new InvalidInputError({ field: 'the archive', problem: 'is a bucket: it needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' });
  }
  return createS3Store(parseS3Location(location), { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }, clock);
}
