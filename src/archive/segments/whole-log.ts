import { setImmediate } from 'node:timers/promises';
import { ERASED, type LogSource, type Pace, type SourceEntry } from '#src/core/log/log-source.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { Archive, Segment } from '#src/core/ports/stores/archive.ts';
import { createAgreedArchive } from './agreed-archive.ts';

/**
 * The log from its first message on: the archived part from the archive, the later part from the log.
 *
 * Invariant: a message that only the archive holds is read from the archive. The janitor archives before it purges (J1). A missing
 * sequence is therefore a gap only if the archive, asked after the log, lacks the sequence too. Archived messages that the log lost are no
 * part of it (J7).
 */
export function createWholeLog(log: LogSource, given: Archive): LogSource {
  const archive = createAgreedArchive(log, given);
  return {
    ...log,
    async firstFrom(sequence) {
      const segments = await archive.segments((await log.state()).created);
      const segment = segments.find(({ last, messages }) => last >= sequence && messages > 0);
      if (segment === undefined) return await log.firstFrom(sequence);
      const entry = await firstIn(archive, segment, sequence);
      return entry === undefined ? await this.firstFrom(segment.last + 1) : { sequence: entry.sequence, at: entry.at };
    },
    async missing() {
      const { created, first, last, messages } = await log.state();
      const segments = await archive.segments(created);
      const archived = segments.at(-1)?.last ?? 0;
      const inBoth = first > archived ? 0 : await countUpTo(log, { first, archived, messages });
      const missingInArchive = segments.reduce((total, { missing }) => total + missing, 0);
      return missingInArchive + Math.max(0, last - archived) - (messages - inBoth);
    },
    async fingerprintAt(sequence) {
      const { created } = await log.state();
      const segment = (await archive.segments(created)).find(({ last }) => last >= sequence);
      if (segment === undefined) return await log.fingerprintAt(sequence);
      const entry = await firstIn(archive, segment, sequence);
      if (entry?.sequence !== sequence) return undefined;
      // The archive keeps only the sequence and the time of a hint.
      if (entry.content.kind === 'hint') return (await log.fingerprintAt(sequence)) ?? ERASED;
      return entry.content.kind === 'erased' ? ERASED : log.fingerprintOf(entry);
    },
    async follow(from, onEntry, signal, pace) {
      await new WholeLogReader({ log, archive, onEntry, signal, pace, next: from }).run();
    },
  };
}

/** The first entry of a segment at or after a sequence. */
async function firstIn(archive: Archive, segment: Segment, sequence: number): Promise<SourceEntry | undefined> {
  for await (const entry of archive.read(segment)) if (entry.sequence >= sequence) return entry;
  return undefined;
}

type ReaderOptions = {
  log: LogSource;
  archive: Archive;
  onEntry: (entry: SourceEntry) => void;
  signal: AbortSignal;
  pace: Pace | undefined;
  next: number;
};

const LINES_PER_TURN = 500;

class WholeLogReader {
  readonly #options: ReaderOptions;
  #next: number;
  /** Up to this sequence, gaps of the log were looked up in the archive, which lacks them too. */
  #confirmedGaps = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#next = options.next;
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      await this.#readArchive();
      if (signal.aborted) return;
      const afterGap = await this.#readLog();
      if (afterGap === undefined) return;
      const archived = (await this.#segments()).at(-1)?.last ?? 0;
      if (archived < afterGap - 1) this.#confirmedGaps = afterGap - 1;
    }
  }

  async #segments(): Promise<readonly Segment[]> {
    const { log, archive } = this.#options;
    return await archive.segments((await log.state()).created);
  }

  async #readArchive(): Promise<void> {
    for (const segment of await this.#segments()) {
      if (segment.last < this.#next) continue;
      await this.#readSegment(segment);
      if (this.#options.signal.aborted) return;
      this.#next = segment.last + 1;
    }
  }

  async #readSegment(segment: Segment): Promise<void> {
    const { archive, onEntry, signal } = this.#options;
    let lines = 0;
    for await (const entry of archive.read(segment)) {
      if (signal.aborted) return;
      if (entry.sequence < this.#next) continue;
      this.#next = entry.sequence + 1;
      onEntry(entry);
      if (++lines % LINES_PER_TURN === 0) await setImmediate();
    }
  }

  /** Resolves to the sequence after a gap that the archive may fill; to `undefined` when the read ended. */
  async #readLog(): Promise<number | undefined> {
    const { log, onEntry, signal, pace } = this.#options;
    const done = new AbortController();
    const end = (): void => done.abort();
    signal.addEventListener('abort', end, { once: true });
    let afterGap: number | undefined;
    await log.follow(
      this.#next,
      (entry) => {
        if (done.signal.aborted) return;
        if (entry.sequence > this.#next && entry.sequence - 1 > this.#confirmedGaps) {
          afterGap = entry.sequence;
          return done.abort();
        }
        // A lower sequence means that the log became shorter. The caller detects and handles that case.
        this.#next = entry.sequence + 1;
        onEntry(entry);
      },
      done.signal,
      pace,
    );
    signal.removeEventListener('abort', end);
    return afterGap;
  }
}

type Counted = { first: number; archived: number; messages: number };

/** Counts the archived messages that the log still holds: messages of streams that were open when the log was purged. */
async function countUpTo(log: LogSource, { first, archived, messages }: Counted): Promise<number> {
  let count = 0;
  if (messages === 0) return count;
  const done = new AbortController();
  await readUpTo(log, { from: first, to: archived, clock: systemClock, signal: done.signal }, () => {
    if (++count >= messages) done.abort();
  });
  return count;
}
