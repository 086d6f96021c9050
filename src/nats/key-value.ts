import { setTimeout as delay } from 'node:timers/promises';
import { type KV, type KvEntry, StringCodec } from 'nats';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Connection } from './transport/connection.ts';
import { errorCodeOf, isWrongLastSequence } from './transport/errors.ts';

const text = StringCodec();

/** A JetStream key-value bucket. Creates it when it is missing, unless no number of replicas is given. */
export async function openKeyValue(connection: Connection, bucket: string, replicas: number | undefined): Promise<KeyValue> {
  const options = replicas === undefined ? { bindOnly: true } : { history: 1, replicas };
  const kv = await connection.nats.jetstream().views.kv(bucket, options);
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
    watch: (onChange, signal) => watch(connection, kv, onChange, signal),
  };
}

type OnChange = Parameters<KeyValue['watch']>[0];

/** A watcher stays deaf for seconds after a restart of the server, so every reconnection starts a new one. */
async function watch(connection: Connection, kv: KV, onChange: OnChange, signal: AbortSignal): Promise<void> {
  const known = new Set<string>();
  let current: { stop(): void } | undefined;

  async function start(): Promise<void> {
    current?.stop();
    const present = new Set<string>();
    for await (const key of await kv.keys()) present.add(key);
    for (const key of known) {
      if (present.has(key)) continue;
      known.delete(key);
      onChange({ key, revision: 0 });
    }
    const entries = await kv.watch();
    current = entries;
    if (signal.aborted) entries.stop();
    const untold = new Set(present);
    await new Promise<void>((resolve) => {
      if (untold.size === 0) resolve();
      void forward(entries, (key) => {
        untold.delete(key);
        if (untold.size === 0) resolve();
      }).then((isLost) => {
        resolve();
        if (isLost && current === entries) void restart();
      });
    });
  }

  /**
   * Resolves to whether the watcher was lost: the client gives up when the server does not let it make its consumer anew, as
   * without a leader, also while the connection stands.
   */
  async function forward(entries: AsyncIterable<KvEntry>, onTold: (key: string) => void): Promise<boolean> {
    const iterator = entries[Symbol.asyncIterator]();
    for (;;) {
      const next = await iterator.next().catch(() => undefined);
      if (next === undefined) return true;
      if (next.done) return false;
      const { key, operation, value, revision } = next.value;
      if (operation === 'PUT') known.add(key);
      else known.delete(key);
      onChange({ key, revision, ...(operation === 'PUT' ? { value: text.decode(value) } : {}) });
      onTold(key);
    }
  }

  async function restart(): Promise<void> {
    while (!signal.aborted) {
      try {
        return await start();
      } catch {
        // The server is not ready yet.
        await delay(500);
      }
    }
  }

  const endReconnect = connection.onReconnect(() => void restart());
  signal.addEventListener('abort', () => {
    endReconnect();
    current?.stop();
  });
  await start();
}
