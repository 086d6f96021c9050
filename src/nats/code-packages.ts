import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectInfo, ObjectStore } from 'nats';
import { InvalidInputError } from '#src/core/errors.ts';
import { type CodePackages, digestOfArchive } from '#src/core/ports/code-packages.ts';
import type { Connection } from './transport/connection.ts';
import { CODE_BUCKET } from './wire/topology.ts';

/** A package that was stored within this time is not stored again. Far below the grace time after which unused packages are deleted. */
const FRESH_IN_MS = 60_000;
/** nats.js waits without a limit for an object that has lost a chunk. */
const READ_TIMEOUT_IN_MS = 60_000;

/** Code packages in JetStream's object store. */
export function createNatsCodePackages(connection: Connection): CodePackages {
  let opened: Promise<ObjectStore> | undefined;

  /** Opens the bucket at its first use, because most processes never need it. */
  async function bucket(): Promise<ObjectStore> {
    opened ??= open(connection);
    return await opened.catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
  }

  return {
    async put(archive) {
      const digest = digestOfArchive(archive);
      const store = await bucket();
      const existing = await store.info(digest);
      if (existing === null || !isFresh(existing, archive)) await store.putBlob({ name: digest }, archive);
      return digest;
    },
    async get(digest) {
      const store = await bucket();
      const giveUp = new AbortController();
      try {
        const tooLate = delay(READ_TIMEOUT_IN_MS, undefined, { signal: giveUp.signal }).then(() => {
          throw new InvalidInputError({ field: `code package ${digest}`, problem: 'cannot be read to its end' });
        });
        return (await Promise.race([store.getBlob(digest), tooLate])) ?? undefined;
      } finally {
        giveUp.abort();
      }
    },
    async list() {
      const found = await (await bucket()).list();
      return found.map(({ name, size, mtime }) => ({ digest: name, bytes: size, storedAt: Date.parse(mtime) }));
    },
    async delete(digest) {
      await (await bucket()).delete(digest);
    },
  };
}

/** Whether the stored package is recent and undamaged. */
function isFresh({ deleted, digest, size, mtime }: ObjectInfo, archive: Uint8Array): boolean {
  if (deleted || size !== archive.length || Date.now() - Date.parse(mtime) > FRESH_IN_MS) return false;
  return digest.replace(/=+$/, '') === `SHA-256=${createHash('sha256').update(archive).digest('base64url')}`;
}

async function open({ nats }: Connection): Promise<ObjectStore> {
  return await nats.jetstream().views.os(CODE_BUCKET);
}
