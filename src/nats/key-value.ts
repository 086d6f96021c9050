import { StringCodec } from 'nats';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { Connection } from './transport/connection/connection.ts';
import { errorCodeOf, isMessageGone, isWrongLastSequence } from './transport/errors.ts';
import type { EnsuredStreams } from './transport/streams/ensured-streams.ts';
import { reachedWatchers, watchBucket } from './watch-bucket.ts';
import { decodeKey, encodeKey } from './wire/bucket-keys.ts';
import { listSubjects } from './wire/stored-messages.ts';

const text = StringCodec();
/** How long the names are asked for while the server does not answer. */
const NAMES_WITHIN_MS = 5_000;

/** Opens a JetStream key-value bucket, which must exist. With `streams`, a watch continues when the bucket was created again. */
export async function openKeyValue(connection: Connection, bucket: string, streams?: EnsuredStreams): Promise<KeyValue> {
  const kv = await connection.jetstream.views.kv(bucket, { bindOnly: true });
  return {
    async get(key) {
      const entry = await kv.get(encodeKey(key));
      return entry === null || entry.operation !== 'PUT' ? undefined : { value: text.decode(entry.value), revision: entry.revision };
    },
    async put(key, value, expected) {
      try {
        const stored = encodeKey(key);
        if (expected === undefined) return await kv.put(stored, text.encode(value));
        if (expected === 0) return await kv.create(stored, text.encode(value));
        return await kv.update(stored, text.encode(value), expected);
      } catch (cause) {
        throw conflictOr(cause, key);
      }
    },
    async delete(key, expected) {
      try {
        await kv.delete(encodeKey(key), expected === undefined ? {} : { previousSeq: expected });
      } catch (cause) {
        throw conflictOr(cause, key);
      }
    },
    async erase(key, revision) {
      const erased = revision ?? (await kv.get(encodeKey(key)))?.revision;
      if (erased === undefined) return;
      await connection.manager.streams.deleteMessage(`KV_${bucket}`, erased).catch((error: unknown) => {
        // Another process erased it meanwhile.
        if (!isMessageGone(errorCodeOf(error))) throw error;
      });
    },
    async keys() {
      const found = [];
      for await (const key of await kv.keys()) found.push(decodeKey(key));
      return found.sort();
    },
    async names(prefix = '') {
      const start = `$KV.${bucket}.`;
      const found = await listSubjects(connection, `${start}${prefix}>`, { stream: `KV_${bucket}`, budgetInMs: NAMES_WITHIN_MS });
      return found.map((subject) => decodeKey(subject.slice(start.length))).sort();
    },
    newestRevision: async () => (await connection.manager.streams.info(`KV_${bucket}`)).state.last_seq,
    reachedWatchers: (revision) => reachedWatchers(connection, bucket, revision),
    watch: (onChange, signal) => {
      const decoded: typeof onChange = (change) => onChange({ ...change, key: decodeKey(change.key) });
      return watchBucket(connection, { bucket, onChange: decoded, signal, streams });
    },
  };
}

function conflictOr(cause: unknown, key: string): unknown {
  return isWrongLastSequence(errorCodeOf(cause)) ? new ConflictError({ what: `"${key}"` }, { cause }) : cause;
}
