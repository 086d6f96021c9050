import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectInfo, ObjectStore } from 'nats';
import { InvalidInputError } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import {
  type CodePackages,
  digestOfArchive,
  type PackageOwner,
  packageName,
  parsePackageName,
} from '#src/core/ports/stores/code-packages.ts';
import type { Connection } from './transport/connection/connection.ts';
import { errorCodeOf, isMessageNotFound } from './transport/errors.ts';
import { recordSubject } from './wire/object-store.ts';
import { CODE_BUCKET, CODE_STREAM } from './wire/topology.ts';

/** A package that was stored within this time is not stored again. Far below the grace time after which unused packages are deleted. */
const FRESH_IN_MS = 60_000;
/** nats.js waits without a limit for an object that has lost a chunk. */
const READ_TIMEOUT_IN_MS = 60_000;

/**
 * Code packages in JetStream's object store.
 *
 * The client writes the modification time of an object from the clock of its own machine. Ages are therefore computed from the time at
 * which the server stored the record of the object.
 */
export function createNatsCodePackages(connection: Connection, clock: Pick<Clock, 'now'>): CodePackages {
  let opened: Promise<ObjectStore> | undefined;

  /** Opens the bucket at its first use, because most processes never need it. */
  async function bucket(): Promise<ObjectStore> {
    opened ??= open(connection);
    return await opened.catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
  }

  /** The time of the server at which a package was stored; the present time when the package was removed meanwhile. */
  async function storedAt(name: string): Promise<number> {
    try {
      return (await connection.manager.streams.getMessage(CODE_STREAM, { last_by_subj: recordSubject(CODE_BUCKET, name) })).time.getTime();
    } catch (error) {
      if (isMessageNotFound(errorCodeOf(error))) return clock.now();
      throw error;
    }
  }

  async function has(digest: string, owner: PackageOwner): Promise<boolean> {
    return isPresent(await (await bucket()).info(packageName(digest, owner)));
  }

  return {
    async put(archive, owner) {
      const digest = digestOfArchive(archive);
      const name = packageName(digest, owner);
      const store = await bucket();
      const existing = await store.info(name);
      const isFresh = existing !== null && isUndamaged(existing, archive) && clock.now() - (await storedAt(name)) <= FRESH_IN_MS;
      if (!isFresh) await store.putBlob({ name }, archive);
      return digest;
    },
    has,
    async get(digest, owner) {
      if (!(await has(digest, owner))) return undefined;
      const store = await bucket();
      const giveUp = new AbortController();
      try {
        const tooLate = delay(READ_TIMEOUT_IN_MS, undefined, { signal: giveUp.signal }).then(() => {
          throw new InvalidInputError({ field: `code package ${digest}`, problem: 'cannot be read to its end' });
        });
        return (await Promise.race([store.getBlob(packageName(digest, owner)), tooLate])) ?? undefined;
      } finally {
        giveUp.abort();
      }
    },
    async list() {
      const found = [];
      for (const { name, size } of await (await bucket()).list())
        found.push({ ...parsePackageName(name), bytes: size, storedAt: await storedAt(name) });
      return found;
    },
    async bytesOf(owner) {
      const all = await (await bucket()).list();
      return all.reduce((sum, { name, size }) => (parsePackageName(name).owner === owner ? sum + size : sum), 0);
    },
    async delete(digest, owner) {
      await (await bucket()).delete(packageName(digest, owner));
    },
  };
}

function isPresent(info: ObjectInfo | null): info is ObjectInfo {
  return info !== null && !info.deleted;
}

function isUndamaged({ deleted, digest, size }: ObjectInfo, archive: Uint8Array): boolean {
  if (deleted || size !== archive.length) return false;
  return digest.replace(/=+$/, '') === `SHA-256=${createHash('sha256').update(archive).digest('base64url')}`;
}

async function open({ jetstream }: Connection): Promise<ObjectStore> {
  return await jetstream.views.os(CODE_BUCKET);
}
