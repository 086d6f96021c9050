import { setTimeout as delay } from 'node:timers/promises';
import { type KV, type KvEntry, StringCodec } from 'nats';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Connection } from './transport/connection.ts';

const text = StringCodec();
const RETRY_IN_MS = 500;

export type WatchOptions = { onChange: Parameters<KeyValue['watch']>[0]; signal: AbortSignal };

/**
 * Reports every key of a bucket, and then every change, until the signal aborts. Resolves when the existing keys are reported.
 *
 * 1. Every reconnection starts a new watcher, because a watcher of nats.js receives nothing for seconds after a restart of the server.
 * 2. A new watcher first reports the keys that were deleted in between.
 * 3. nats.js gives up when the server refuses to create the watcher's consumer again, as without a leader. A new watcher is then started.
 */
export async function watchBucket(connection: Connection, kv: KV, options: WatchOptions): Promise<void> {
  const watch = new BucketWatch(kv, options);
  const endReconnect = connection.onReconnect(() => void watch.restart());
  options.signal.addEventListener('abort', () => {
    endReconnect();
    watch.stop();
  });
  await watch.start();
}

type Entries = Awaited<ReturnType<KV['watch']>>;

class BucketWatch {
  readonly #kv: KV;
  readonly #options: WatchOptions;
  /** The keys that were reported and not deleted since. */
  readonly #known = new Set<string>();
  #current: Entries | undefined;

  constructor(kv: KV, options: WatchOptions) {
    this.#kv = kv;
    this.#options = options;
  }

  stop(): void {
    this.#current?.stop();
  }

  /** Starts a watcher. Resolves when it has reported every key that existed, or is lost. */
  async start(): Promise<void> {
    this.stop();
    const existing = new Set<string>();
    for await (const key of await this.#kv.keys()) existing.add(key);
    this.#reportDeleted(existing);
    const entries = await this.#kv.watch();
    this.#current = entries;
    if (this.#options.signal.aborted) entries.stop();
    await new Promise<void>((resolve) => {
      if (existing.size === 0) resolve();
      const onReported = (key: string): void => {
        existing.delete(key);
        if (existing.size === 0) resolve();
      };
      void this.#forward(entries, onReported).then((isLost) => {
        resolve();
        if (isLost && this.#current === entries) void this.restart();
      });
    });
  }

  async restart(): Promise<void> {
    while (!this.#options.signal.aborted) {
      try {
        return await this.start();
      } catch {
        // The server is not ready yet.
        await delay(RETRY_IN_MS);
      }
    }
  }

  #reportDeleted(existing: ReadonlySet<string>): void {
    for (const key of this.#known) {
      if (existing.has(key)) continue;
      this.#known.delete(key);
      this.#options.onChange({ key, revision: 0 });
    }
  }

  /** Reports entries until the watcher ends. Resolves to whether the watcher was lost. */
  async #forward(entries: AsyncIterable<KvEntry>, onReported: (key: string) => void): Promise<boolean> {
    const iterator = entries[Symbol.asyncIterator]();
    for (;;) {
      const next = await iterator.next().catch(() => undefined);
      if (next === undefined) return true;
      if (next.done) return false;
      this.#report(next.value);
      onReported(next.value.key);
    }
  }

  #report({ key, operation, value, revision }: KvEntry): void {
    if (operation === 'PUT') {
      this.#known.add(key);
      this.#options.onChange({ key, revision, value: text.decode(value) });
    } else {
      this.#known.delete(key);
      this.#options.onChange({ key, revision });
    }
  }
}
