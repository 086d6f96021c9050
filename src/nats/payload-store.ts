import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { LogFullError, NatsUnavailableError, NotPermittedError, PayloadUnavailableError } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { PayloadOwner, PayloadStore } from '#src/core/ports/stores/payload-store.ts';
import { readParts } from './object-parts.ts';
import { type Connection, maxPayloadOf } from './transport/connection/connection.ts';
import type { PublishAnswer, Publisher } from './transport/publisher.ts';
import { type ObjectRecord, objectNameOf, partsMarkOf, partsSubject, readRecord, recordSubject } from './wire/object-store.ts';
import { readLastBySubject, type StoredMessage } from './wire/stored-messages.ts';
import { PAYLOADS_BUCKET, PAYLOADS_STREAM } from './wire/topology.ts';
import { wireHeaders } from './wire/wire-headers.ts';

/** An object that was stored within this time is not stored again. Far below the grace time of the sweep. */
const FRESH_IN_MS = 60_000;
const PART_BYTES = 262_144;
const PARTS_IN_FLIGHT = 4;
const RETRY_IN_MS = 200;

type Options = {
  connection: Connection;
  publisher: Publisher;
  clock: Pick<Clock, 'now'>;
  /** How long an object without an answer is stored anew, before the failure. In milliseconds. */
  budgetInMs?: number | undefined;
};

/**
 * Large payloads in JetStream's object store, in the form of every NATS client (`nats object ls SEQUENT_PAYLOADS`).
 *
 * 1. An object is its parts, then a record that names them. Without the record, there is no object.
 * 2. An append without an answer may be stored twice, or out of order. The object is then stored anew, under other parts (A1).
 * 3. The leader answers reads: a replica may lack an object that a message refers to already.
 */
export function createNatsPayloadStore(options: Options): PayloadStore {
  const { connection, clock, budgetInMs = 60_000 } = options;

  async function findRecord(name: string): Promise<{ record: ObjectRecord | undefined; message: StoredMessage } | undefined> {
    const subject = recordSubject(PAYLOADS_BUCKET, name);
    const message = await readLastBySubject(connection, subject, { stream: PAYLOADS_STREAM, budgetInMs });
    return message === undefined ? undefined : { record: readRecord(message.data), message };
  }

  async function isFresh(name: string): Promise<boolean> {
    const found = await findRecord(name);
    return found?.record !== undefined && clock.now() - found.message.at <= FRESH_IN_MS;
  }

  /** Stores the object anew until the server has answered for all of it. */
  async function store(object: NewObject): Promise<void> {
    const startedAt = performance.now();
    for (;;) {
      const answer = await storeOnce(options, object);
      if (answer.kind === 'stored') return;
      if (answer.kind === 'refused') throw failureOf(answer);
      if (performance.now() - startedAt > budgetInMs || connection.isEnding) throw unanswered(connection, answer);
      await delay(RETRY_IN_MS);
    }
  }

  return {
    async put(owner, bytes, { mayExist } = { mayExist: true }) {
      const digest = createHash('sha256').update(bytes).digest('base64url');
      const name = objectNameOf(owner, digest);
      if (mayExist && (await isFresh(name))) return digest;
      await store({ name, digest, bytes, mark: partsMarkOf(owner) });
      return digest;
    },
    async get(owner, { digest, maxBytes }) {
      const found = await findRecord(objectNameOf(owner, digest));
      if (found?.record === undefined) throw unusable(owner, 'its object is missing');
      const { size, nuid } = found.record;
      if (size > maxBytes) throw unusable(owner, `its object has ${size} bytes, more than ${maxBytes}`);
      const bytes = await readParts(connection, { bucket: PAYLOADS_BUCKET, nuid, size });
      if (bytes === undefined || createHash('sha256').update(bytes).digest('base64url') !== digest)
        throw unusable(owner, 'its object is damaged');
      return bytes;
    },
  };
}

type NewObject = { name: string; digest: string; bytes: Uint8Array; mark: string };

/** Stores the parts, and then the record. Without an answer, or with parts out of order, the object is not stored. */
async function storeOnce({ connection, publisher }: Options, { name, digest, bytes, mark }: NewObject): Promise<PublishAnswer> {
  const nuid = mark + randomBytes(16).toString('base64url');
  const size = Math.min(PART_BYTES, maxPayloadOf(connection));
  const chunks = Math.ceil(bytes.length / size);
  let last = 0;
  for (let first = 0; first < chunks; first += PARTS_IN_FLIGHT) {
    const indices = Array.from({ length: Math.min(PARTS_IN_FLIGHT, chunks - first) }, (_, index) => first + index);
    const answers = await Promise.all(
      indices.map((index) => publisher.publish(partsSubject(PAYLOADS_BUCKET, nuid), bytes.subarray(index * size, (index + 1) * size))),
    );
    for (const answer of answers) {
      if (answer.kind !== 'stored') return answer;
      if (answer.sequence <= last) return { kind: 'unknown', why: 'the parts were stored in another order' };
      last = answer.sequence;
    }
  }
  const record: ObjectRecord = {
    name,
    bucket: PAYLOADS_BUCKET,
    nuid,
    size: bytes.length,
    chunks,
    digest: `SHA-256=${digest}=`,
    mtime: new Date().toISOString(),
    options: { max_chunk_size: size },
  };
  const headers = wireHeaders([['Nats-Rollup', 'sub']]);
  return await publisher.publish(recordSubject(PAYLOADS_BUCKET, name), JSON.stringify(record), headers);
}

function failureOf({ why, isForbidden }: PublishAnswer & { kind: 'refused' }): Error {
  return isForbidden
    ? new NotPermittedError({ message: why })
    : new LogFullError({ why: `the store of large payloads refuses more: ${why}` });
}

function unanswered({ servers }: Connection, answer: PublishAnswer): NatsUnavailableError {
  const why = 'why' in answer ? answer.why : 'its parts were refused';
  return new NatsUnavailableError({ servers, why: `the large payload cannot be stored: ${why}` });
}

function unusable({ function: name, invocation }: PayloadOwner, why: string): PayloadUnavailableError {
  return new PayloadUnavailableError({ function: name, invocation, why });
}
