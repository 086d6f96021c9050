import { lineOf, MAX_BYTES, MAX_MESSAGES } from '#src/archive/segments/segment.ts';
import type { LogSource, SourceEntry } from '#src/core/log/log-source.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { RetainedStreams } from './retained-streams.ts';

/** How far to read. */
export type Limit = {
  /** Reads no later sequence. */
  sequence: number;
  /** Reads no later message, in milliseconds since the epoch. */
  youngest: number;
  /** Once so many invocations are settled as `settled` says, reads only messages before this time. */
  olderThan: number;
  settled: number;
};

export const upToSequence = (sequence: number): Limit => ({
  sequence,
  youngest: Number.POSITIVE_INFINITY,
  olderThan: Number.POSITIVE_INFINITY,
  settled: 0,
});

export type ReadPartOptions = {
  from: number;
  limit: Limit;
  /** Folds the messages. */
  streams: Pick<RetainedStreams, 'take' | 'settled'>;
  signal: AbortSignal;
  clock: Clock;
  /** Reads up to the limit, and returns no lines. */
  isFoldOnly?: boolean;
};

/** The lines of a segment, up to a sequence. `isAll` when the limit ended the part, and not the size of a segment. */
export type Part = { lines: string[]; last: number; isAll: boolean };

/** Reads the messages of one segment. */
export async function readPart(log: LogSource, options: ReadPartOptions): Promise<Part> {
  return await new PartReader(options).read(log);
}

class PartReader {
  readonly #options: ReadPartOptions;
  readonly #done = new AbortController();
  readonly #lines: string[] = [];
  #last: number;
  #bytes = 0;

  constructor(options: ReadPartOptions) {
    this.#options = options;
    this.#last = options.from - 1;
  }

  async read(log: LogSource): Promise<Part> {
    const { from, limit, clock, signal, isFoldOnly } = this.#options;
    const end = (): void => this.#done.abort();
    signal.addEventListener('abort', end, { once: true });
    const span = { from, to: limit.sequence, clock, signal: this.#done.signal };
    await readUpTo(log, isFoldOnly ? span : { ...span, most: MAX_MESSAGES }, (entry) => this.#take(entry));
    signal.removeEventListener('abort', end);
    return { lines: this.#lines, last: this.#last, isAll: !this.#isFull() };
  }

  #take(entry: SourceEntry): void {
    const { from, streams, isFoldOnly = false } = this.#options;
    if (entry.sequence < from || this.#isBeyondLimit(entry)) return this.#done.abort();
    streams.take(entry.content);
    this.#last = entry.sequence;
    if (!isFoldOnly) {
      const line = JSON.stringify(lineOf(entry));
      this.#lines.push(line);
      this.#bytes += line.length;
    }
    if (this.#isFull()) this.#done.abort();
  }

  #isBeyondLimit({ at }: SourceEntry): boolean {
    const { limit, streams } = this.#options;
    return at > limit.youngest || (at >= limit.olderThan && streams.settled >= limit.settled);
  }

  #isFull(): boolean {
    return this.#lines.length >= MAX_MESSAGES || this.#bytes >= MAX_BYTES;
  }
}
