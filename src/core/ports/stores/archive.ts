import type { SourceEntry } from '#src/core/log/log-source.ts';

/** The store of archived segments: a folder or a bucket. Names have the form `<log>/<file>`. */
export interface ArchiveStore {
  /** The name of the store for people. */
  readonly name: string;
  /** All names with this prefix, in order. */
  list(prefix: string): Promise<string[]>;
  get(name: string): Promise<Buffer | undefined>;
  /** The first `bytes` bytes, or fewer if the content is shorter. */
  head(name: string, bytes: number): Promise<Buffer | undefined>;
  /** Creates the content atomically; durable when the promise resolves. False when the name exists. */
  create(name: string, content: Buffer): Promise<boolean>;
  /** Replaces the content atomically: a reader sees the old content or the new one. */
  replace(name: string, content: Buffer): Promise<void>;
}

/** The header of a segment. The segments of a log are consecutive: each starts after the last sequence of the one before. */
export type Segment = {
  v: 2;
  /** The log, by the time of its creation. */
  log: string;
  first: number;
  last: number;
  /** The number of messages. `hints` of them are hints, whose content is not kept, and `erased` were erased. */
  messages: number;
  hints: number;
  erased: number;
  /** The number of sequences without a message at the time of archiving. */
  missing: number;
  firstAt: number;
  lastAt: number;
  /** SHA-256 of the content. */
  content: string;
  /** The Merkle root of the lines. An erasure does not change it. The chain is computed over it. */
  root: string;
  /** The chain link of the previous segment; empty for the first. */
  previous: string;
  /** The ids of the erasures that changed the segment. */
  erasures: readonly string[];
};

/** The archived prefix of the log, in chained segments. */
export interface Archive {
  readonly store: ArchiveStore;
  /** The segments of a log, oldest first. Throws `ArchiveDamagedError` when one is missing. */
  segments(log: string): Promise<readonly Segment[]>;
  /** The messages of a segment, in order. Throws `ArchiveDamagedError` when the content differs from the header. */
  read(segment: Segment): AsyncIterable<SourceEntry>;
}
