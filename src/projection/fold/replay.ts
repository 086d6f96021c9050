import type { Erasure } from '#src/core/log/erasure.ts';
import type { LogSource, Pace, SourceEntry } from '#src/core/log/log-source.ts';
import { systemTimers, type Timers } from '#src/core/ports/clock.ts';
import type { Checkpoint } from '#src/projection/store/checkpoint.ts';
import type { Store } from '#src/projection/store/store.ts';
import { Fold } from './fold.ts';

export type ReplayOptions = {
  source: LogSource;
  store: Store;
  /** When the log was created. */
  created: string;
  /** The replay ends after this sequence, which holds a message. */
  until?: number;
  /** The log became shorter, and contradicts the store. The replay reads nothing more. */
  onContradiction?: (why: string) => void;
  onStored?: () => void;
  onGap?: (gap: { after: number; before: number }) => void;
  timers?: Timers;
  /** Without it, the replay reads as fast as it can. */
  pace?: ReplayPace;
};

/** Decides when the replay reads. The replay reports each message that it has read. */
export interface ReplayPace extends Pace {
  /** Reports the time of a message that was read. */
  recordRead(at: number): void;
}

const MAX_MESSAGES = 4_000;
const MAX_BYTES = 8_000_000;
/**
 * A query stores the messages that were read before, so that a long wait delays no answer. Few transactions cost less than many
 * (docs/performance.md H15).
 */
const MAX_WAIT_IN_MS = 250;

/** Reads the log into a store, from the checkpoint of the store on. */
export class Replay {
  /** Resolves when the replay was stopped or has reached its end. Rejects when the store cannot be written or the log cannot be read. */
  readonly done: Promise<void>;
  readonly #options: ReplayOptions;
  readonly #until: number;
  readonly #fold: Fold;
  readonly #stopping = new AbortController();
  readonly #failed = rejection();
  readonly #startedAt = performance.now();
  readonly #startedFrom: number;
  #stored: number;
  #missing: number;
  #read: number;
  /** The last time at which the whole log was known to be read; 0 until then. */
  #wholeAt = 0;
  /** The last entry that was folded and is not stored yet. */
  #newest: SourceEntry | undefined;
  #bytes = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(options: ReplayOptions) {
    const { source, store, until = Number.POSITIVE_INFINITY, pace } = options;
    this.#options = options;
    this.#until = until;
    this.#fold = new Fold({ load: store.load });
    this.#stored = store.checkpoint?.sequence ?? 0;
    this.#missing = store.checkpoint?.missing ?? 0;
    this.#read = this.#stored;
    this.#startedFrom = this.#stored;
    if (this.#stored >= until) this.#stopping.abort();
    const following = source.follow(this.#stored + 1, (entry) => this.#take(entry), this.#stopping.signal, pace).then(() => this.#save());
    this.done = Promise.race([following, this.#failed.promise]);
    this.done.catch(() => {});
  }

  /** The sequence up to which the store holds the log. */
  get sequence(): number {
    return this.#stored;
  }

  /** The time of the last message, or a later one at which the whole log was read: the log can be quiet for long before it gets an unread message. */
  get behindSince(): number {
    return Math.max(this.#wholeAt, this.#options.store.checkpoint?.at ?? 0);
  }

  /** Records that the log ended at a sequence at some moment. */
  recordLogEnd(last: number, at: number): void {
    if (this.#read >= last) this.#wholeAt = at;
  }

  get perSecond(): number {
    return Math.round(((this.#stored - this.#startedFrom) * 1_000) / Math.max(1, performance.now() - this.#startedAt));
  }

  /** Streams in memory. */
  get open(): number {
    return this.#fold.open;
  }

  /** Stores the entries that were read, so that a query finds them. */
  flush(): void {
    if (!this.#stopping.signal.aborted) this.#save();
  }

  /** Stores the entries that were read, and ends the replay. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.done.catch(() => {});
    this.#cancelTimer?.();
  }

  #take(entry: SourceEntry): void {
    if (this.#stopping.signal.aborted) return;
    if (entry.sequence <= this.#read) return this.#contradict(entry);
    if (entry.sequence > this.#until) return this.#stopping.abort();
    if (entry.sequence !== this.#read + 1) this.#takeGap(entry);
    this.#read = entry.sequence;
    this.#options.pace?.recordRead(entry.at);
    if (entry.content.kind === 'erasure' && entry.content.erasure.sequences === undefined) this.#erase(entry, entry.content.erasure);
    else this.#foldEntry(entry);
    if (this.#read >= this.#until) this.#stopping.abort();
  }

  #foldEntry(entry: SourceEntry): void {
    this.#fold.take(entry);
    this.#newest = entry;
    this.#bytes += entry.body.length;
    if (this.#fold.pending >= MAX_MESSAGES || this.#bytes >= MAX_BYTES || this.#read >= this.#until) this.#save();
    else this.#cancelTimer ??= (this.#options.timers ?? systemTimers).after(MAX_WAIT_IN_MS, () => this.#save());
  }

  #contradict({ sequence }: SourceEntry): void {
    this.#stopping.abort();
    this.#options.onContradiction?.(`message ${sequence} was delivered again after message ${this.#read}: the log became shorter`);
  }

  #takeGap(entry: SourceEntry): void {
    this.#missing += entry.sequence - this.#read - 1;
    this.#fold.takeGap(this.#read, entry);
    this.#options.onGap?.({ after: this.#read, before: entry.sequence });
  }

  #save(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const newest = this.#newest;
    if (newest === undefined) return;
    if (!this.#isStored(newest, (checkpoint) => this.#options.store.save(this.#fold.drain(), checkpoint))) return;
    this.#fold.release();
    this.#newest = undefined;
    this.#bytes = 0;
    this.#stored = newest.sequence;
    this.#options.onStored?.();
  }

  /** An erasure covers everything that was folded before it. The earlier changes are therefore stored first. */
  #erase(entry: SourceEntry, erasure: Erasure): void {
    this.#save();
    if (this.#stopping.signal.aborted) return;
    if (!this.#isStored(entry, (checkpoint) => this.#options.store.erase(erasure, checkpoint))) return;
    this.#stored = entry.sequence;
    this.#options.onStored?.();
  }

  /** Writes up to an entry. A failed write ends the replay. */
  #isStored(entry: SourceEntry, write: (checkpoint: Checkpoint) => void): boolean {
    const { source, created } = this.#options;
    const { sequence, at } = entry;
    try {
      write({ sequence, fingerprint: source.fingerprintOf(entry), created, missing: this.#missing, at });
      return true;
    } catch (error) {
      this.#failed.reject(error);
      this.#stopping.abort();
      return false;
    }
  }
}

function rejection(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, no) => {
    reject = no;
  });
  promise.catch(() => {});
  return { promise, reject };
}
