/** The invocation that a stored payload belongs to (BIG2). */
export type PayloadOwner = { function: string; invocation: string };

/** Large payloads, as objects that belong to invocations. The content of a digest never changes. */
export interface PayloadStore {
  /**
   * Stores an object; resolves to its digest once the object is durable. An object that `mayExist` is stored again unless it is new.
   *
   * Throws `LogFullError`, `NotPermittedError` and `NatsUnavailableError`; the store may then hold a part, which a sweep removes.
   */
  put(owner: PayloadOwner, bytes: Uint8Array, options?: { mayExist: boolean }): Promise<string>;
  /** Reads an object of at most `maxBytes`. Throws `PayloadUnavailableError` when it is missing, or is not what the digest says (BIG3). */
  get(owner: PayloadOwner, object: { digest: string; maxBytes: number }): Promise<Buffer>;
}

/** An object in the store; `sequence` and `parts` say where. Without an owner, it has another name than those of payloads. */
export type StoredPayload = { owner: PayloadOwner | undefined; sequence: number; parts: string; storedAt: number };

/** Finds and removes large payloads. Only the scheduler and the janitor use it. */
export interface PayloadRemoval {
  /** The objects that the store holds now. */
  list(): Promise<StoredPayload[]>;
  /** The parts that belong to no object now, and when the last one was stored: of an unfinished upload, or of an object that was replaced. */
  looseParts(): Promise<{ parts: string; storedAt: number }[]>;
  remove(payload: StoredPayload): Promise<void>;
  removeParts(parts: string): Promise<void>;
  /** Overwrites on the disk, and removes, everything of these invocations of a function. */
  erase(name: string, invocations: ReadonlySet<string>): Promise<void>;
}
