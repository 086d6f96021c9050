import { setTimeout as delay } from 'node:timers/promises';
import { consumerOpts, type JetStreamManager, type JetStreamSubscription, type JsMsg, type KV, StringCodec } from 'nats';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { Connection } from './transport/connection/connection.ts';
import type { EnsuredStreams } from './transport/streams/ensured-streams.ts';

const text = StringCodec();
const RETRY_IN_MS = 500;
/** A key that was listed and is not reported for this time may be gone. The keys are listed again then. */
const LIST_AGAIN_AFTER_MS = 500;

type BucketWatchOptions = {
  bucket: string;
  onChange: Parameters<KeyValue['watch']>[0];
  signal: AbortSignal;
  streams?: EnsuredStreams | undefined;
};

/**
 * Reports every key of a bucket, and then every change, until the signal aborts. Resolves when the existing keys are reported.
 *
 * 1. Every reconnection starts a new watcher, because a watcher of nats.js receives nothing for seconds after a restart of the server.
 * 2. A new watcher first reports the keys that were deleted in between.
 * 3. nats.js gives up when the server refuses to create the watcher's consumer again, as without a leader. A new watcher is then started.
 * 4. A change is reported while its message is being received, before any later message of the connection (FN1). The watcher of nats.js
 *    reports a change later.
 * 5. In a bucket that was created again, a watcher would wait for the revisions of the former bucket (STRM2). A new watcher is then started.
 *    A key that has a revision of the former bucket again is reported as deleted first.
 * 6. There is one watcher: a start that a later one overtakes ends without a subscription, and resolves with the later one.
 * 7. A key that vanishes while a watcher starts is not awaited, and is reported as deleted.
 */
export async function watchBucket(connection: Connection, kv: Pick<KV, 'keys'>, options: BucketWatchOptions): Promise<void> {
  const watch = new BucketWatch(connection, kv, options);
  const restart = (): void => void watch.restart();
  const endListening = [connection.onReconnect(restart), options.streams?.onRecreated(`KV_${options.bucket}`, restart)];
  options.signal.addEventListener('abort', () => {
    for (const end of endListening) end?.();
    watch.stop();
  });
  await watch.start();
}

const GIVE_UP_AFTER_MS = 1_000;
const LOOK_AGAIN_AFTER_MS = 10;

/** Resolves when the server has sent the changes up to a revision to every watcher of the bucket, or after a second. Never rejects. */
export async function reachedWatchers(connection: Connection, bucket: string, revision: number): Promise<void> {
  if (connection.rehearsal !== undefined) return;
  const ending = new AbortController();
  const { signal } = ending;
  const givingUp = delay(GIVE_UP_AFTER_MS, undefined, { signal }).catch(() => {});
  // While a server of a cluster is down, the others answer for their own consumers only after seconds.
  await Promise.race([awaitWatchers(connection, { bucket, revision, signal }), givingUp]);
  ending.abort();
}

type Awaited = { bucket: string; revision: number; signal: AbortSignal };

async function awaitWatchers({ manager }: Connection, { bucket, revision, signal }: Awaited): Promise<void> {
  try {
    while (!signal.aborted && !(await haveWatchersReached(manager, bucket, revision))) await delay(LOOK_AGAIN_AFTER_MS);
  } catch {
    // The permission is missing, which the connection reports, or the server does not answer. Then nothing is promised.
  }
}

/** A watcher of a process that ended is not bound, and the server removes it. A watcher of some keys is not one of Sequent. */
async function haveWatchersReached(manager: JetStreamManager, bucket: string, revision: number): Promise<boolean> {
  for await (const { push_bound: isBound, config, delivered } of manager.consumers.list(`KV_${bucket}`)) {
    if (isBound && config.filter_subject === `$KV.${bucket}.>` && delivered.stream_seq < revision) return false;
  }
  return true;
}

class BucketWatch {
  readonly #connection: Connection;
  readonly #kv: Pick<KV, 'keys'>;
  readonly #options: BucketWatchOptions;
  /** The keys that were reported and not deleted since, with their revisions and the times of these, in nanoseconds since the epoch. */
  readonly #known = new Map<string, { revision: number; at: number }>();
  #current: JetStreamSubscription | undefined;
  /** The number of starts. Only the newest one may have a subscription. */
  #starts = 0;
  /** The newest restart. */
  #restarting: Promise<void> | undefined;

  constructor(connection: Connection, kv: Pick<KV, 'keys'>, options: BucketWatchOptions) {
    this.#connection = connection;
    this.#kv = kv;
    this.#options = options;
  }

  stop(): void {
    this.#current?.unsubscribe();
    this.#current = undefined;
  }

  /** Starts a watcher. Resolves when it has reported every key that existed. Rejects when the server did not confirm it. */
  async start(): Promise<void> {
    this.stop();
    const number = ++this.#starts;
    const isNewest = (): boolean => number === this.#starts && !this.#options.signal.aborted;
    const existing = await this.#list();
    if (!isNewest()) return await this.#restarting;
    this.#reportDeleted(existing);
    let onAllReported = (): void => {};
    const allReported = new Promise<void>((resolve) => {
      onAllReported = resolve;
    });
    // Without a key, only this shows that the watcher exists.
    await this.#subscribe(isNewest, (key) => {
      existing.delete(key);
      if (existing.size === 0) onAllReported();
    });
    while (existing.size > 0 && isNewest()) await this.#awaitReports(existing, allReported);
    if (!isNewest()) await this.#restarting;
  }

  /** Starts a watcher until one has started, or the signal aborts. */
  restart(): Promise<void> {
    this.#restarting = this.#startAgain();
    return this.#restarting;
  }

  async #startAgain(): Promise<void> {
    while (!this.#options.signal.aborted) {
      try {
        return await this.start();
      } catch {
        // The server is not ready yet.
        await delay(RETRY_IN_MS);
      }
    }
  }

  async #list(): Promise<Set<string>> {
    const keys = new Set<string>();
    for await (const key of await this.#kv.keys()) keys.add(key);
    return keys;
  }

  /** Waits for the reports of keys for a time, and then drops the keys that are gone. */
  async #awaitReports(existing: Set<string>, allReported: Promise<void>): Promise<void> {
    const ending = new AbortController();
    const waiting = delay(LIST_AGAIN_AFTER_MS, undefined, { signal: ending.signal }).catch(() => {});
    await Promise.race([allReported, waiting]);
    ending.abort();
    if (existing.size === 0) return;
    const present = await this.#list();
    for (const key of existing) {
      if (present.has(key)) continue;
      existing.delete(key);
      this.#reportGone(key);
    }
  }

  async #subscribe(isNewest: () => boolean, onReported: (key: string) => void): Promise<void> {
    const { bucket } = this.#options;
    const prefix = `$KV.${bucket}.`;
    let isLost = false;
    let own: JetStreamSubscription | undefined;
    const options = consumerOpts();
    options.bindStream(`KV_${bucket}`);
    options.orderedConsumer();
    options.deliverLastPerSubject();
    options.callback((error, message) => {
      if (error !== null) {
        // The server refuses the consumer of the subscription.
        isLost = true;
        if (own !== undefined && this.#current === own) void this.restart();
      } else if (message !== null && isNewest()) {
        const key = message.subject.slice(prefix.length);
        this.#report(key, message);
        onReported(key);
      }
    });
    own = await this.#connection.jetstream.subscribe(`${prefix}>`, options);
    if (!isNewest()) return own.unsubscribe();
    this.#current = own;
    if (isLost) void this.restart();
  }

  #reportDeleted(existing: ReadonlySet<string>): void {
    for (const key of this.#known.keys()) if (!existing.has(key)) this.#reportGone(key);
  }

  #reportGone(key: string): void {
    if (this.#known.delete(key)) this.#options.onChange({ key, revision: 0 });
  }

  #report(key: string, { headers, data, seq: revision, info: { timestampNanos: at } }: JsMsg): void {
    const isDeleted = ['DEL', 'PURGE'].includes(headers?.get('KV-Operation') ?? '');
    const known = this.#known.get(key);
    if (known?.revision === revision && known.at !== at) this.#options.onChange({ key, revision: 0 });
    if (isDeleted) this.#known.delete(key);
    else this.#known.set(key, { revision, at });
    this.#options.onChange(isDeleted ? { key, revision } : { key, revision, value: text.decode(data) });
  }
}
