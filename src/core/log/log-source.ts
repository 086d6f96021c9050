import type { FullLogEntry } from './event-log.ts';
import type { Authority } from './losses/regression.ts';

/** One message of the log as it was stored. Decoding it again gives the same entry. */
export type StoredEntry = {
  sequence: number;
  at: number;
  subject: string;
  /** The headers of a request as a JSON object of texts; `null` without headers, and for other messages. */
  headers: string | null;
  /** A text if the content is one, otherwise bytes. */
  body: string | Uint8Array;
};

export type SourceEntry = StoredEntry & { content: FullLogEntry };

/** The identity and the extent of the log. */
export type LogState = {
  /** When the log was created. Another time means another log. */
  created: string;
  /** The sequences in the log. Earlier ones are only in the archive. In an empty log, `first` is greater than `last`. */
  first: number;
  last: number;
  messages: number;
  /** Whether the answer may support the claim that the log went backwards. */
  authority: Authority;
};

/** The fingerprint of an erased message, which cannot be compared. */
export const ERASED = 'erased';

/** Lets a reader of the log pause. */
export interface Pace {
  /** The messages that may be requested and not delivered yet, at this moment: 0 while the reader pauses. */
  demand(): number;
  /** The maximum of bytes in the answer to one request, at this moment. Requested messages arrive also while the reader pauses. */
  maxBytes(): number;
  /** How long the reader may pause, at this moment, when it has read everything. */
  pauseInMs(): number;
  /** Calls the listener when a pause ends. The returned function removes the listener. */
  onRelease(listener: () => void): () => void;
}

/** The log for readers that keep a read model. */
export interface LogSource {
  state(): Promise<LogState>;
  /** The first message at or after a sequence; `undefined` when there is none. */
  firstFrom(sequence: number): Promise<{ sequence: number; at: number } | undefined>;
  /** The number of sequences without a message that were neither archived nor erased. */
  missing(): Promise<number>;
  /** A fingerprint of the message at a sequence; `undefined` when there is none, {@link ERASED} when it was erased. */
  fingerprintAt(sequence: number): Promise<string | undefined>;
  /** The id of the message at a sequence, as `idOf` gives it; `undefined` also when there is no message. */
  idAt(sequence: number): Promise<string | undefined>;
  fingerprintOf(entry: StoredEntry): string;
  decode(entry: StoredEntry): FullLogEntry;
  /**
   * Follows all messages from a sequence on, in order. A log that became shorter is delivered again from its first message. While the reader
   * pauses, messages that were requested before may still come.
   */
  follow(from: number, onEntry: (entry: SourceEntry) => void, signal: AbortSignal, pace?: Pace): Promise<void>;
}
