/** A small, durable, watched store of texts by key: configuration and positions, never the truth about invocations. */
export interface KeyValue {
  get(key: string): Promise<KeyValueEntry | undefined>;
  /**
   * Stores a value; returns its revision, which grows with every change of the store.
   *
   * With `expected` (0: the key must not exist) throws `ConflictError` when somebody changed it meanwhile.
   */
  put(key: string, value: string, expected?: number): Promise<number>;
  delete(key: string): Promise<void>;
  keys(): Promise<string[]>;
  /** The revision of the newest change, which a watcher is told last: whoever was told it misses nothing that was there when he asked. */
  newestRevision(): Promise<number>;
  /**
   * Tells the present entries, then every change, until the signal aborts; `value` is absent when the key is gone. Resolves
   * when the present entries were told. After a lost connection all entries are told again.
   */
  watch(onChange: (change: { key: string; value?: string; revision: number }) => void, signal: AbortSignal): Promise<void>;
}

export type KeyValueEntry = { value: string; revision: number };
