import type { SourceEntry } from '#src/core/log/log-source.ts';

/** Where archived segments are kept: a folder, or a bucket. Names have the form `<log>/<file>`. */
export interface ArchiveStore {
  /** As people know it. */
  readonly name: string;
  /** All names that begin so, in order. */
  list(prefix: string): Promise<string[]>;
  get(name: string): Promise<Buffer | undefined>;
  /** The first bytes; fewer if there are not so many. */
  head(name: string, bytes: number): Promise<Buffer | undefined>;
  /** Whole or not at all, and durable when it resolves; false when the name is taken already. */
  create(name: string, content: Buffer): Promise<boolean>;
  /** Whole or not at all: a reader sees the old content or the new one. */
  replace(name: string, content: Buffer): Promise<void>;
}

/** What a segment says about itself. Sequences without gaps lead from one to the next. */
export type Segment = {
  v: 1;
  /** The log that it is of: when that was made. */
  log: string;
  first: number;
  last: number;
  /** Messages, of which `hints` are hints, whose content is not kept, and `erased` were erased. */
  messages: number;
  hints: number;
  erased: number;
  /** Sequences without a message when the log was archived. */
  missing: number;
  firstAt: number;
  lastAt: number;
  /** SHA-256 of the content. */
  content: string;
  /** The same before anything was erased: what the chain goes over. */
  original: string;
  /** The link of the segment before it; empty for the first. */
  previous: string;
  /** The erasures that changed it. */
  erasures: readonly string[];
};

/** The part of the log that was archived: a prefix of it, in segments that are chained. */
export interface Archive {
  readonly store: ArchiveStore;
  /** The segments of this log, oldest first. Throws `ArchiveDamagedError` when they do not follow each other. */
  segments(log: string): Promise<readonly Segment[]>;
  /** Its messages, in order. Throws `ArchiveDamagedError` when the content is not what the segment says. */
  read(segment: Segment): AsyncIterable<SourceEntry>;
}
