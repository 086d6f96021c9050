import type { PayloadRemoval, StoredPayload } from '#src/core/ports/stores/payload-store.ts';
import { readStored } from './streams/log/read-stored.ts';
import type { Connection } from './transport/connection/connection.ts';
import { type ApiError, isMessageGone } from './transport/errors.ts';
import { findStream } from './transport/streams/ensure-stream.ts';
import { MARK_LENGTH, ownerOfObject, partsMarkOf, partsSubject, readRecord, recordSubject } from './wire/object-store.ts';
import { readLastBySubject } from './wire/stored-messages.ts';
import { PAYLOADS_BUCKET, PAYLOADS_STREAM } from './wire/topology.ts';

const TIMEOUT_IN_MS = 60_000;

/**
 * Removes large payloads from JetStream's object store.
 *
 * The parts go first, and the record last: a removal that was interrupted is found again by its record. NATS clients would leave a mark with
 * the name of each removed object.
 */
export function createNatsPayloadRemoval(connection: Connection): PayloadRemoval {
  async function ask(api: string, question: object): Promise<void> {
    const { nats, jetstream } = connection;
    const reply = await nats.request(`${jetstream.apiPrefix}.${api}.${PAYLOADS_STREAM}`, JSON.stringify(question), {
      timeout: TIMEOUT_IN_MS,
    });
    const { error } = reply.json<{ error?: ApiError }>();
    if (error !== undefined && !isMessageGone(error.err_code)) throw new Error(`a large payload cannot be removed: ${error.description}`);
  }

  const purge = (parts: string): Promise<void> => ask('STREAM.PURGE', { filter: partsSubject(PAYLOADS_BUCKET, parts) });
  const isPresent = async (): Promise<boolean> => (await findStream(connection, PAYLOADS_STREAM)) !== undefined;

  async function list(): Promise<StoredPayload[]> {
    if (!(await isPresent())) return [];
    const found: StoredPayload[] = [];
    for await (const { seq: sequence, data, info } of readStored(connection, PAYLOADS_STREAM, {
      subject: recordSubject(PAYLOADS_BUCKET, '').concat('>'),
    })) {
      const record = readRecord(data);
      if (record === undefined) continue;
      found.push({ owner: ownerOfObject(record.name), sequence, parts: record.nuid, storedAt: info.timestampNanos / 1e6 });
    }
    return found;
  }

  async function looseParts(): ReturnType<PayloadRemoval['looseParts']> {
    if (!(await isPresent())) return [];
    const pattern = partsSubject(PAYLOADS_BUCKET, '*');
    const { subjects = {} } = (await connection.manager.streams.info(PAYLOADS_STREAM, { subjects_filter: pattern })).state;
    // The records are read after the parts, so that an object whose record is stored meanwhile is known.
    const used = new Set((await list()).map(({ parts }) => parts));
    const loose = [];
    for (const subject of Object.keys(subjects)) {
      const parts = subject.slice(pattern.length - 1);
      if (used.has(parts)) continue;
      const last = await readLastBySubject(connection, subject, { stream: PAYLOADS_STREAM });
      if (last !== undefined) loose.push({ parts, storedAt: last.at });
    }
    return loose;
  }

  async function overwriteParts(parts: string): Promise<void> {
    const subject = partsSubject(PAYLOADS_BUCKET, parts);
    for await (const { seq } of readStored(connection, PAYLOADS_STREAM, { subject, headersOnly: true }))
      await ask('STREAM.MSG.DELETE', { seq, no_erase: false });
  }

  return {
    list,
    looseParts,
    async remove({ parts, sequence }) {
      await purge(parts);
      await ask('STREAM.MSG.DELETE', { seq: sequence, no_erase: true });
    },
    removeParts: purge,
    async erase(name, invocations) {
      for (const { owner, parts, sequence } of await list()) {
        if (owner?.function !== name || !invocations.has(owner.invocation)) continue;
        await overwriteParts(parts);
        await ask('STREAM.MSG.DELETE', { seq: sequence, no_erase: false });
      }
      const marks = new Set([...invocations].map((invocation) => partsMarkOf({ function: name, invocation })));
      for (const { parts } of await looseParts()) if (marks.has(parts.slice(0, MARK_LENGTH))) await overwriteParts(parts);
    },
  };
}
