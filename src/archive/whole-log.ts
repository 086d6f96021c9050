import { setImmediate } from 'node:timers/promises';
import { ERASED, type LogSource, type SourceEntry } from '#src/core/log/log-source.ts';
import type { Archive, Segment } from '#src/core/ports/archive.ts';

/**
 * The log as it was from its first message on: the archived part from the archive, the rest from the log itself.
 *
 * Invariant: a message that is missing in the log, though the archive holds it, is told from the archive. Whoever purges
 * archives first, so a gap is one only when the archive, asked after it was seen, does not hold it either.
 */
export function createWholeLog(log: LogSource, archive: Archive): LogSource {
  return {
    ...log,
    async firstFrom(sequence) {
      const segments = await archive.segments((await log.state()).created);
      const segment = segments.find(({ last, messages }) => last >= sequence && messages > 0);
      if (segment === undefined) return await log.firstFrom(sequence);
      return (await firstIn(archive, segment, sequence)) ?? (await this.firstFrom(segment.last + 1));
    },
    async missing() {
      const { created, first, last, messages } = await log.state();
      const segments = await archive.segments(created);
      const archived = segments.at(-1)?.last ?? 0;
      const left = first > archived ? 0 : await countUpTo(log, { first, archived, messages });
      return sum(segments, ({ missing }) => missing) + Math.max(0, last - archived) - (messages - left);
    },
    async fingerprintAt(sequence) {
      const { created } = await log.state();
      const segment = (await archive.segments(created)).find(({ last }) => last >= sequence);
      if (segment === undefined) return await log.fingerprintAt(sequence);
      for await (const entry of archive.read(segment)) {
        if (entry.sequence !== sequence) continue;
        // Of a hint the archive keeps its place alone.
        if (entry.content.kind === 'hint') return (await log.fingerprintAt(sequence)) ?? ERASED;
        return entry.content.kind === 'erased' ? ERASED : log.fingerprintOf(entry);
      }
      return undefined;
    },
    async follow(from, onEntry, signal) {
      await new WholeReading({ log, archive, onEntry, signal, next: from }).run();
    },
  };
}

async function firstIn(archive: Archive, segment: Segment, sequence: number): Promise<{ sequence: number; at: number } | undefined> {
  for await (const entry of archive.read(segment)) if (entry.sequence >= sequence) return { sequence: entry.sequence, at: entry.at };
  return undefined;
}

type Reading = { log: LogSource; archive: Archive; onEntry: (entry: SourceEntry) => void; signal: AbortSignal; next: number };

const LINES_A_TURN = 500;

class WholeReading {
  readonly #reading: Reading;
  #next: number;
  /** Up to here the archive was asked, and what is missing in the log is missing there too. */
  #lost = 0;

  constructor(reading: Reading) {
    this.#reading = reading;
    this.#next = reading.next;
  }

  async run(): Promise<void> {
    const { signal } = this.#reading;
    while (!signal.aborted) {
      await this.#readArchive();
      if (signal.aborted) return;
      const gap = await this.#readLog();
      if (gap === undefined) return;
      const archived = (await this.#segments()).at(-1)?.last ?? 0;
      if (archived < gap - 1) this.#lost = gap - 1;
    }
  }

  async #segments(): Promise<readonly Segment[]> {
    const { log, archive } = this.#reading;
    return await archive.segments((await log.state()).created);
  }

  async #readArchive(): Promise<void> {
    const { archive, onEntry, signal } = this.#reading;
    for (const segment of await this.#segments()) {
      if (segment.last < this.#next) continue;
      let lines = 0;
      for await (const entry of archive.read(segment)) {
        if (signal.aborted) return;
        if (entry.sequence < this.#next) continue;
        this.#next = entry.sequence + 1;
        onEntry(entry);
        if (++lines % LINES_A_TURN === 0) await setImmediate();
      }
      this.#next = segment.last + 1;
    }
  }

  /** Resolves to the sequence behind a gap that the archive may hold; to nothing when there is no more. */
  async #readLog(): Promise<number | undefined> {
    const { log, onEntry, signal } = this.#reading;
    const enough = new AbortController();
    const end = (): void => enough.abort();
    signal.addEventListener('abort', end, { once: true });
    let gap: number | undefined;
    await log.follow(
      this.#next,
      (entry) => {
        if (enough.signal.aborted) return;
        if (entry.sequence > this.#next && entry.sequence - 1 > this.#lost) {
          gap = entry.sequence;
          return enough.abort();
        }
        // One that is lower tells that the log became shorter: its reader knows what to do.
        this.#next = entry.sequence + 1;
        onEntry(entry);
      },
      enough.signal,
    );
    signal.removeEventListener('abort', end);
    return gap;
  }
}

/** How many messages a log still holds of what is archived: those of invocations that are open, or were when it was purged. */
async function countUpTo(
  log: LogSource,
  { first, archived, messages }: { first: number; archived: number; messages: number },
): Promise<number> {
  let count = 0;
  if (messages === 0) return count;
  const enough = new AbortController();
  await log.follow(
    first,
    ({ sequence }) => {
      if (enough.signal.aborted) return;
      if (sequence <= archived) count++;
      if (sequence >= archived || count >= messages) enough.abort();
    },
    enough.signal,
  );
  return count;
}

function sum<Value>(values: readonly Value[], read: (value: Value) => number): number {
  return values.reduce((total, value) => total + read(value), 0);
}
