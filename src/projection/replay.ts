import type { Erasure } from '#src/core/log/erasure.ts';
import type { LogSource, SourceEntry } from '#src/core/log/log-source.ts';
import { createFold } from './fold.ts';
import type { Store } from './store.ts';

/** Reads the log into a store, from its checkpoint on. */
export interface Replay {
  /** Up to where the store holds the log. */
  readonly sequence: number;
  readonly perSecond: number;
  /** Streams that are in memory, because they are open. */
  readonly open: number;
  /** Resolves when it was stopped or has reached its end; rejects when the store cannot be written. */
  readonly done: Promise<void>;
  /** Stores what was read, and ends. */
  stop(): Promise<void>;
}

export type ReplayOptions = {
  source: LogSource;
  store: Store;
  /** The log that is read: when it was made. */
  created: string;
  /** Ends behind this sequence, which holds a message. */
  until?: number;
  /** The log says something else than what is stored: it became shorter. Nothing more is read. */
  onContradiction?: (why: string) => void;
  onStored?: () => void;
  onGap?: (why: { after: number; before: number }) => void;
};

const MAX_MESSAGES = 4_000;
const MAX_BYTES = 8_000_000;
const MAX_WAIT_IN_MS = 50;

export function startReplay({ source, store, created, until = Number.POSITIVE_INFINITY, ...hooks }: ReplayOptions): Replay {
  const { onContradiction = () => {}, onStored = () => {}, onGap = () => {} } = hooks;
  const stopping = new AbortController();
  const fold = createFold({ load: store.load });
  let { sequence: stored, missing } = store.checkpoint ?? { sequence: 0, missing: 0 };
  let read = stored;
  let newest: SourceEntry | undefined;
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const begun = { at: performance.now(), sequence: stored };

  function take(entry: SourceEntry): void {
    if (stopping.signal.aborted) return;
    if (entry.sequence <= read) {
      stopping.abort();
      return onContradiction(`message ${entry.sequence} came again after ${read}: the log became shorter`);
    }
    if (entry.sequence > until) return stopping.abort();
    takeGap(entry);
    read = entry.sequence;
    if (entry.content.kind === 'erasure') return erase(entry, entry.content.erasure);
    fold.take(entry);
    newest = entry;
    bytes += entry.body.length;
    if (fold.pending >= MAX_MESSAGES || bytes >= MAX_BYTES || read >= until) save();
    else timer ??= setTimeout(save, MAX_WAIT_IN_MS);
    if (read >= until) stopping.abort();
  }

  function takeGap(entry: SourceEntry): void {
    if (entry.sequence === read + 1) return;
    missing += entry.sequence - read - 1;
    fold.takeGap(read, entry);
    onGap({ after: read, before: entry.sequence });
  }

  function save(): void {
    clearTimeout(timer);
    timer = undefined;
    if (newest === undefined) return;
    const { at, sequence } = newest;
    const fingerprint = source.fingerprintOf(newest);
    if (!isStored(() => store.save(fold.drain(), { sequence, fingerprint, created, missing, at }))) return;
    fold.release();
    newest = undefined;
    bytes = 0;
    stored = sequence;
    onStored();
  }

  /** It is about all that was folded before it: that is stored first. */
  function erase(entry: SourceEntry, erasure: Erasure): void {
    save();
    const { sequence, at } = entry;
    if (stopping.signal.aborted) return;
    if (!isStored(() => store.erase(erasure, { sequence, fingerprint: source.fingerprintOf(entry), created, missing, at }))) return;
    stored = sequence;
    onStored();
    if (read >= until) stopping.abort();
  }

  function isStored(write: () => void): boolean {
    try {
      write();
      return true;
    } catch (error) {
      failed.reject(error);
      stopping.abort();
      return false;
    }
  }

  const failed = rejection();
  if (stored >= until) stopping.abort();
  const following = source.follow(stored + 1, take, stopping.signal).then(save);
  const done = Promise.race([following, failed.promise]);
  done.catch(() => {});
  return {
    get sequence() {
      return stored;
    },
    get perSecond() {
      return Math.round(((stored - begun.sequence) * 1_000) / Math.max(1, performance.now() - begun.at));
    },
    get open() {
      return fold.open;
    },
    done,
    async stop() {
      stopping.abort();
      await done.catch(() => {});
      clearTimeout(timer);
    },
  };
}

function rejection(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, no) => {
    reject = no;
  });
  promise.catch(() => {});
  return { promise, reject };
}
