import { setTimeout as delay } from 'node:timers/promises';
import { consumerOpts, type JetStreamManager, type JetStreamSubscription, type JsMsg, StringCodec } from 'nats';
import { NatsUnavailableError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { Connection } from './transport/connection/connection.ts';
import type { EnsuredStreams } from './transport/streams/ensured-streams.ts';
import { readLastBySubject } from './wire/stored-messages.ts';

const text = StringCodec();
const RETRY_IN_MS = 500;
/** When nothing is reported for this time, the newest entry may be gone, which is asked for again then. */
const ASK_AGAIN_AFTER_MS = 500;
/** How long a start waits for the newest entry. */
const NEWEST_WITHIN_MS = 5_000;
/** A start that reports no entry for so long has failed: the server answers, and delivers nothing, as a cluster without a leader does. */
const SILENT_AFTER_MS = 60_000;

type BucketWatchOptions = {
  bucket: string;
  onChange: Parameters<KeyValue['watch']>[0];
  signal: AbortSignal;
  streams?: EnsuredStreams | undefined;
  silentAfterMs?: number;
};

/**
 * Reports every key of a bucket, and then every change, until the signal aborts. Resolves when the existing keys are reported. Throws
 * `NatsUnavailableError` when no entry is reported for a minute before that.
 *
 * 1. Every reconnection starts a new watcher, because a watcher of nats.js receives nothing for seconds after a restart of the server.
 * 2. A new watcher also reports the keys that were deleted in between, after those that exist.
 * 3. nats.js gives up when the server refuses to create the watcher's consumer again, as without a leader. A new watcher is then started.
 * 4. A change is reported while its message is being received, before any later message of the connection (FN1). The watcher of nats.js
 *    reports a change later.
 * 5. In a bucket that was created again, a watcher would wait for the revisions of the former bucket (STRM2). A new watcher is then started.
 *    A key that has a revision of the former bucket again is reported as deleted first.
 * 6. There is one watcher: a start that a later one overtakes ends without a subscription, and resolves with the later one. A restart that is
 *    overtaken starts no further watcher. After the abort, every start ends at once.
 * 7. The server reports the entries in the order of their revisions. All are reported when the newest one is, whose revision is asked for: a
 *    list of all keys would be as many messages again. An entry that vanishes while a watcher starts is not awaited.
 */
export async function watchBucket(connection: Connection, options: BucketWatchOptions): Promise<void> {
  const watch = new BucketWatch(connection, options);
  const restart = (): void => void watch.restart();
  const endListening = [connection.onReconnect(restart), options.streams?.onRecreated(`KV_${options.bucket}`, restart)];
  options.signal.addEventListener('abort', () => {
    for (const end of endListening) end?.();
    watch.stop();
  });
  const started = new AbortController();
  try {
    await Promise.race([watch.start(), watch.silence(options.silentAfterMs ?? SILENT_AFTER_MS, started.signal)]);
  } finally {
    started.abort();
  }
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

async function awaitWatchers(connection: Connection, { bucket, revision, signal }: Awaited): Promise<void> {
  try {
    while (!signal.aborted && !(await haveWatchersReached(connection.manager, bucket, revision))) await delay(LOOK_AGAIN_AFTER_MS);
    await passSendQueue(connection, bucket);
  } catch {
    // The permission is missing, which the connection reports, or the server does not answer. Then nothing is promised.
  }
}

/**
 * The server counts a message as delivered to a watcher while the message is still in the send queue of the stream. The answer to a direct
 * get goes through the same queue, after the message (`internalLoop` of nats-server). In a cluster each server has such a queue, so a
 * watcher whose consumer is on another server may receive the message a moment later.
 */
async function passSendQueue({ nats, jetstream }: Connection, bucket: string): Promise<void> {
  // The answer is not used, so any key will do.
  await nats.request(`${jetstream.apiPrefix}.DIRECT.GET.KV_${bucket}.$KV.${bucket}.any`);
}

/** A watcher of a process that ended is not bound, and the server removes it. A watcher of some keys is not one of Sequent. */
async function haveWatchersReached(manager: JetStreamManager, bucket: string, revision: number): Promise<boolean> {
  for await (const { push_bound: isBound, config, delivered } of manager.consumers.list(`KV_${bucket}`)) {
    if (isBound && config.filter_subject === `$KV.${bucket}.>` && delivered.stream_seq < revision) return false;
  }
  return true;
}

/** How far a watcher has reported the bucket. */
type Progress = {
  revision: number;
  /** The keys that were reported by an earlier watcher, and not by this one. */
  unreported: Set<string>;
  onReport: () => void;
};

class BucketWatch {
  readonly #connection: Connection;
  readonly #options: BucketWatchOptions;
  /** The keys that were reported and not deleted since, with their revisions and the times of these, in nanoseconds since the epoch. */
  readonly #known = new Map<string, { revision: number; at: number }>();
  #current: JetStreamSubscription | undefined;
  /** The number of starts. Only the newest one may have a subscription. */
  #starts = 0;
  /** When the newest entry was reported, on the clock of `performance`. */
  #reportedAt = performance.now();
  /** The number of restarts, and the newest one. Only the newest one starts a watcher, and earlier ones resolve with it. */
  #restarts = 0;
  #restarting: Promise<void> | undefined;

  constructor(connection: Connection, options: BucketWatchOptions) {
    this.#connection = connection;
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
    const progress: Progress = { revision: 0, unreported: new Set(this.#known.keys()), onReport: () => {} };
    // Without a key, only this shows that the watcher exists.
    await this.#subscribe(isNewest, progress);
    await this.#untilReported(isNewest, progress);
    if (this.#options.signal.aborted) return;
    // Only a later restart overtakes a start, so that no restart waits for itself.
    if (!isNewest()) return await this.#restarting;
    for (const key of progress.unreported) this.#reportGone(key);
  }

  /** Rejects when no entry is reported for so long. Rejects too when the signal aborts; nobody awaits the silence then. */
  async silence(silentAfterMs: number, signal: AbortSignal): Promise<never> {
    const { servers } = this.#connection;
    for (;;) {
      const leftInMs = this.#reportedAt + silentAfterMs - performance.now();
      if (leftInMs <= 0) {
        const why = `it delivers nothing of the bucket ${this.#options.bucket} for ${silentAfterMs / 1_000} s`;
        throw new NatsUnavailableError({ servers, why });
      }
      await delay(leftInMs, undefined, { signal });
    }
  }

  /** Starts a watcher until one has started, a later restart does so, or the signal aborts. */
  restart(): Promise<void> {
    this.#restarting = this.#startAgain(++this.#restarts);
    return this.#restarting;
  }

  async #startAgain(number: number): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted && number === this.#restarts) {
      try {
        return await this.start();
      } catch {
        // The server is not ready yet.
        await delay(RETRY_IN_MS, undefined, { signal }).catch(() => {});
      }
    }
    if (number !== this.#restarts) return await this.#restarting;
  }

  async #untilReported(isNewest: () => boolean, progress: Progress): Promise<void> {
    let newest = await this.#newestRevision();
    while (progress.revision < newest && isNewest()) {
      const before = progress.revision;
      await reportedOrPaused(progress, newest);
      // A large bucket takes longer than the pause, and goes on with its reports.
      if (progress.revision === before) newest = await this.#newestRevision();
    }
  }

  /** The revision of the newest entry that exists, or 0. */
  async #newestRevision(): Promise<number> {
    const { bucket } = this.#options;
    const where = { stream: `KV_${bucket}`, budgetInMs: NEWEST_WITHIN_MS };
    return (await readLastBySubject(this.#connection, `$KV.${bucket}.>`, where))?.sequence ?? 0;
  }

  async #subscribe(isNewest: () => boolean, progress: Progress): Promise<void> {
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
        progress.unreported.delete(key);
        progress.revision = message.seq;
        progress.onReport();
      }
    });
    own = await this.#connection.jetstream.subscribe(`${prefix}>`, options);
    if (!isNewest()) return own.unsubscribe();
    this.#current = own;
    if (isLost) void this.restart();
  }

  #reportGone(key: string): void {
    if (this.#known.delete(key)) this.#options.onChange({ key, revision: 0 });
  }

  #report(key: string, { headers, data, seq: revision, info: { timestampNanos: at } }: JsMsg): void {
    this.#reportedAt = performance.now();
    const isDeleted = ['DEL', 'PURGE'].includes(headers?.get('KV-Operation') ?? '');
    const known = this.#known.get(key);
    if (known?.revision === revision && known.at !== at) this.#options.onChange({ key, revision: 0 });
    if (isDeleted) this.#known.delete(key);
    else this.#known.set(key, { revision, at });
    this.#options.onChange(isDeleted ? { key, revision } : { key, revision, value: text.decode(data) });
  }
}

/** Resolves when the watcher has reported a revision, or after a pause. */
async function reportedOrPaused(progress: Progress, newest: number): Promise<void> {
  const pause = new AbortController();
  progress.onReport = () => {
    if (progress.revision >= newest) pause.abort();
  };
  await delay(ASK_AGAIN_AFTER_MS, undefined, { signal: pause.signal }).catch(() => {});
}
