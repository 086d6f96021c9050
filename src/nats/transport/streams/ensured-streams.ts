import type { StreamConfig, StreamInfo } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { ensureStream, findStream } from './ensure-stream.ts';

/** The JetStream streams that this process needs (STRM1). */
export interface EnsuredStreams {
  /** Creates these streams, or updates their limits, as {@link ensureStream} does, and keeps them. */
  add(...wanted: readonly Partial<StreamConfig>[]): Promise<void>;
  /** From now on, creates one of these streams when it is missing. */
  keep(...wanted: readonly Partial<StreamConfig>[]): void;
  /** Calls the listener each time that a stream was created again, by any process. The returned function removes the listener. */
  onRecreated(stream: string, listener: () => void): () => void;
  close(): void;
}

const CHECK_EVERY_MS = 5_000;
const RETRY_IN_MS = 500;

/** Checks the streams every five seconds, and after each reconnection: a power cut can take the definition of a new stream. */
export function createEnsuredStreams(connection: Connection, onProblem: (problem: string) => void): EnsuredStreams {
  return new CheckedStreams(connection, onProblem);
}

class CheckedStreams implements EnsuredStreams {
  readonly #connection: Connection;
  readonly #onProblem: (problem: string) => void;
  readonly #wanted: Partial<StreamConfig>[] = [];
  /** When each stream was created. Another time means another stream, without the messages of the former one. */
  readonly #created = new Map<string, string>();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #endReconnect: () => void;
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> | undefined;
  /** What was reported about each stream that is missing. */
  readonly #reported = new Map<string, string>();
  #isClosed = false;

  constructor(connection: Connection, onProblem: (problem: string) => void) {
    this.#connection = connection;
    this.#onProblem = onProblem;
    this.#endReconnect = connection.onReconnect(() => {
      if (this.#wanted.length > 0) this.#check();
    });
  }

  async add(...wanted: readonly Partial<StreamConfig>[]): Promise<void> {
    for (const config of wanted) await ensureStream(this.#connection, config, this.#onProblem);
    this.keep(...wanted);
  }

  keep(...wanted: readonly Partial<StreamConfig>[]): void {
    this.#wanted.push(...wanted);
    this.#schedule(0);
  }

  onRecreated(stream: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(stream) ?? new Set();
    this.#listeners.set(stream, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#endReconnect();
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#check(), inMs).unref();
  }

  #check(): void {
    this.#checking ??= this.#checkAll().then((isDone) => {
      this.#checking = undefined;
      this.#schedule(isDone ? CHECK_EVERY_MS : RETRY_IN_MS);
    });
  }

  /** Returns false without an answer for each stream. Without a connection, the check follows the reconnection. */
  async #checkAll(): Promise<boolean> {
    if (!this.#connection.isConnected) return true;
    try {
      for (const config of [...this.#wanted]) await this.#checkOne(config);
      return true;
    } catch {
      return false;
    }
  }

  async #checkOne(config: Partial<StreamConfig>): Promise<void> {
    const { name = '' } = config;
    const found = (await findStream(this.#connection, name)) ?? (await this.#createAgain(config));
    if (found === undefined) return;
    this.#reported.delete(name);
    const created = String(found.created);
    const former = this.#created.get(name);
    this.#created.set(name, created);
    if (former !== undefined && former !== created) for (const listener of this.#listeners.get(name) ?? []) listener();
  }

  async #createAgain(config: Partial<StreamConfig>): Promise<StreamInfo | undefined> {
    const { name = '', num_replicas: replicas = 1 } = config;
    // Servers with empty stores may have outvoted the one that holds the stream. A new stream would replace what that server holds.
    if (replicas > 1) {
      this.#report(name, `the JetStream stream ${name} is missing: if no server of the cluster holds it, restart a role, which creates it`);
      return undefined;
    }
    try {
      await ensureStream(this.#connection, config);
    } catch (error) {
      const why = messageOf(this.#connection.refusals.explain(error));
      this.#report(name, `the JetStream stream ${name} is missing and cannot be created: ${why}`);
      throw error;
    }
    this.#report(name, `the JetStream stream ${name} was missing, and was created again without its messages`);
    return await findStream(this.#connection, name);
  }

  /** The check is repeated, and reports the same problem of a stream once. */
  #report(name: string, problem: string): void {
    if (problem !== this.#reported.get(name)) this.#onProblem(problem);
    this.#reported.set(name, problem);
  }
}
