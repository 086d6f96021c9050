import type { FullLogEntry } from './event-log.ts';

/** One message of the log as it was stored, word for word: decoding it again gives the same entry. */
export type StoredEntry = {
  sequence: number;
  at: number;
  subject: string;
  /** The headers of a request as a JSON object of texts; `null` when it has none, and for all else. */
  headers: string | null;
  /** Text where it is text. */
  body: string | Uint8Array;
};

export type SourceEntry = StoredEntry & { content: FullLogEntry };

/** What the log says about itself. */
export type LogState = {
  /** When it was made: another one is another log. */
  created: string;
  /** The sequences that it holds; what is before the first is only in the archive. An empty log's first is behind its last. */
  first: number;
  last: number;
  messages: number;
};

/** The fingerprint of what was erased: nothing can be compared with it. */
export const ERASED = 'erased';

/** The log, for readers that keep a read model of it. */
export interface LogSource {
  state(): Promise<LogState>;
  /** The first message at or after a sequence; `undefined` when there is none. */
  firstFrom(sequence: number): Promise<{ sequence: number; at: number } | undefined>;
  /** How many sequences up to the last hold no message, and never will: they were neither archived nor erased. */
  missing(): Promise<number>;
  /** What tells the message at a sequence from any other; `undefined` when there is none, {@link ERASED} when it was erased. */
  fingerprintAt(sequence: number): Promise<string | undefined>;
  fingerprintOf(entry: StoredEntry): string;
  decode(entry: StoredEntry): FullLogEntry;
  /** All messages from a sequence on, in order. A log that became shorter is handed over again from its beginning. */
  follow(from: number, onEntry: (entry: SourceEntry) => void, signal: AbortSignal): Promise<void>;
}
