/** A small, durable, watchable store of texts by key. It holds configuration and positions, and no state of invocations. */
export interface KeyValue {
  get(key: string): Promise<KeyValueEntry | undefined>;
  /**
   * Stores a value; returns its revision, which grows with every change of the store.
   *
   * With `expected`, throws `ConflictError` when the key has another revision; 0 means that the key must not exist.
   */
  put(key: string, value: string, expected?: number): Promise<number>;
  /** Deletes a key. With `expected`, which is never 0, throws `ConflictError` when the key has another revision or is deleted. */
  delete(key: string, expected?: number): Promise<void>;
  /**
   * Removes a key, and overwrites its value on the disks of the store. Watchers do not hear of it. With `revision`, a key that has another
   * revision stays.
   */
  erase(key: string, revision?: number): Promise<void>;
  keys(): Promise<string[]>;
  /** The keys, sorted, and perhaps some that were deleted; with a prefix, which ends with ".", those that begin with it. Costs little for 100,000 keys. */
  names(prefix?: string): Promise<string[]>;
  /** The revision of the newest change. A watcher that received it has received every change up to this call. */
  newestRevision(): Promise<number>;
  /**
   * Resolves when every watcher was sent the changes up to a revision (FN1). Gives up after a second, because a watcher may hang; never
   * rejects.
   */
  reachedWatchers(revision: number): Promise<void>;
  /**
   * Delivers the present entries and then every change, until the signal aborts. `value` is absent when the key was deleted.
   *
   * Resolves when the present entries were delivered. After a lost connection all entries are delivered again.
   */
  watch(onChange: (change: KeyValueChange) => void, signal: AbortSignal): Promise<void>;
}

export type KeyValueChange = { key: string; value?: string; revision: number };
export type KeyValueEntry = { value: string; revision: number };

/** Passes on the present entries, and what changes meanwhile: one reading of the whole store, and not one for each key. */
export async function readEntries(store: Pick<KeyValue, 'watch'>, onChange: (change: KeyValueChange) => void): Promise<void> {
  const reading = new AbortController();
  try {
    await store.watch(onChange, reading.signal);
  } finally {
    reading.abort();
  }
}
