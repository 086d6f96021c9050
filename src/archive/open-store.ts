import { InvalidInputError } from '#src/core/errors.ts';
import type { ArchiveStore } from '#src/core/ports/archive.ts';
import { createFolderStore } from './folder-store.ts';
import { createS3Store, parseS3Location } from './s3-store.ts';

/** Opens the store that a text names: a folder, or `s3://…` with the usual variables for its credentials. Throws `InvalidInputError`. */
export function openArchiveStore(place: string, env: Readonly<Record<string, string | undefined>>): ArchiveStore {
  if (!place.startsWith('s3:')) return createFolderStore(place);
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw new InvalidInputError({ field: 'the archive', problem: 'is a bucket, and needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' });
  }
  return createS3Store(parseS3Location(place), { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) });
}
