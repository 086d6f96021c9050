import { StringCodec } from 'nats';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Connection } from './transport/connection.ts';
import { ensureStream } from './transport/ensure-stream.ts';
import { errorCodeOf, isWrongLastSequence } from './transport/errors.ts';
import { watchBucket } from './watch-bucket.ts';
import { keyValueStream, type StreamOptions } from './wire/topology.ts';

const text = StringCodec();

/** Opens a JetStream key-value bucket. With options for its stream, the bucket is created if it is missing. */
export async function openKeyValue(connection: Connection, bucket: string, options: StreamOptions | undefined): Promise<KeyValue> {
  if (options !== undefined) await ensureStream(connection, keyValueStream(bucket, options));
  const kv = await connection.jetstream.views.kv(bucket, { bindOnly: true });
  return {
    async get(key) {
      const entry = await kv.get(key);
      return entry === null || entry.operation !== 'PUT' ? undefined : { value: text.decode(entry.value), revision: entry.revision };
    },
    async put(key, value, expected) {
      try {
        if (expected === undefined) return await kv.put(key, text.encode(value));
        if (expected === 0) return await kv.create(key, text.encode(value));
        return await kv.update(key, text.encode(value), expected);
      } catch (cause) {
        if (isWrongLastSequence(errorCodeOf(cause))) throw new ConflictError({ what: `"${key}"` }, { cause });
        throw cause;
      }
    },
    delete: (key) => kv.delete(key),
    async keys() {
      const found = [];
      for await (const key of await kv.keys()) found.push(key);
      return found.sort();
    },
    newestRevision: async () => (await connection.manager.streams.info(`KV_${bucket}`)).state.last_seq,
    watch: (onChange, signal) => watchBucket(connection, kv, { onChange, signal }),
  };
}
