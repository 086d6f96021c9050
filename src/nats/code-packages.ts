import { setImmediate } from 'node:timers/promises';
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
import { digestInParts } from '#src/core/quotas/in-parts.ts';
import { readParts } from './object-parts.ts';
import type { Connection } from './transport/connection/connection.ts';
import { errorCodeOf, isMessageNotFound } from './transport/errors.ts';
import { recordSubject } from './wire/object-store.ts';
import { CODE_BUCKET, CODE_STREAM } from './wire/topology.ts';

/** A package that was stored within this time is not stored again. Far below the grace time after which unused packages are deleted. */
const FRESH_IN_MS = 60_000;

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

  async function find(digest: string, owner: PackageOwner): Promise<ObjectInfo | undefined> {
    const info = await (await bucket()).info(packageName(digest, owner));
    return info === null || info.deleted ? undefined : info;
  }

  const sizeOf = async (digest: string, owner: PackageOwner): Promise<number | undefined> => (await find(digest, owner))?.size;

  return {
    async put(archive, owner) {
      const digest = await digestOfArchive(archive);
      const name = packageName(digest, owner);
      const store = await bucket();
      const existing = await store.info(name);
      const isFresh = existing !== null && (await isUndamaged(existing, archive)) && clock.now() - (await storedAt(name)) <= FRESH_IN_MS;
      if (!isFresh) await store.put({ name }, inPieces(archive));
      return digest;
    },
    has: async (digest, owner) => (await sizeOf(digest, owner)) !== undefined,
    sizeOf,
    async get(digest, owner) {
      for (let info = await find(digest, owner); info !== undefined; ) {
        const archive = await readParts(await connection.forContents(), { bucket: CODE_BUCKET, nuid: info.nuid, size: info.size });
        if (archive !== undefined && (await isUndamaged(info, archive))) return archive;
        const { nuid } = info;
        info = await find(digest, owner);
        // Another process that stored the same package meanwhile removed the parts that were being read.
        if (info?.nuid === nuid) throw new InvalidInputError({ field: `code package ${digest}`, problem: 'cannot be read to its end' });
      }
      return undefined;
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

const PIECE_BYTES = 131_072;

/** nats.js hashes and sends all of one piece at once, in the thread that serves all projects: 510 ms of processor time for 40 MB. */
function inPieces(archive: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      await setImmediate();
      if (at >= archive.length) return controller.close();
      controller.enqueue(archive.subarray(at, at + PIECE_BYTES));
      at += PIECE_BYTES;
    },
  });
}

async function isUndamaged({ deleted, digest, size }: ObjectInfo, archive: Uint8Array): Promise<boolean> {
  if (deleted || size !== archive.length) return false;
  return digest.replace(/=+$/, '') === `SHA-256=${await digestInParts(archive, { algorithm: 'sha256', encoding: 'base64url' })}`;
}

async function open(connection: Connection): Promise<ObjectStore> {
  const { jetstream } = await connection.forContents();
  return await jetstream.views.os(CODE_BUCKET);
}
