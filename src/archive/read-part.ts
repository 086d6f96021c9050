import type { LogSource } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { lineOf, MOST_BYTES, MOST_MESSAGES } from './segment.ts';
import type { Standing } from './standing.ts';

/** How far to read: nothing behind a sequence, nothing younger; nor what is younger than a second time, once enough streams are settled. */
export type Limit = { sequence: number; youngest: number; olderThan: number; settled: number };
/** Everything up to a sequence. */
export const everythingTo = (sequence: number): Limit => ({
  sequence,
  youngest: Number.POSITIVE_INFINITY,
  olderThan: Number.POSITIVE_INFINITY,
  settled: 0,
});

export type ReadPartOptions = {
  from: number;
  limit: Limit;
  /** Folds what is read. */
  standing: Pick<Standing, 'take' | 'settled'>;
  signal: AbortSignal;
  clock: Clock;
  /** Reads to the limit, and keeps nothing but the fold. */
  isWhole?: boolean;
};

/** Lines of a segment, up to a sequence. `isAll` when the limit was reached, and not the size of a segment. */
export type Part = { lines: string[]; last: number; isAll: boolean };

/** How long nothing may come before what was asked for is held to be gone. */
const QUIET_IN_MS = 2_000;

/** Reads what goes into one segment. */
export async function readPart(log: LogSource, options: ReadPartOptions): Promise<Part> {
  const { from, limit, standing, signal, clock, isWhole = false } = options;
  const part = { lines: [] as string[], last: from - 1 };
  const enough = new AbortController();
  const end = (): void => enough.abort();
  signal.addEventListener('abort', end, { once: true });
  let bytes = 0;
  let heard = 0;
  const isFull = (): boolean => part.lines.length >= MOST_MESSAGES || bytes >= MOST_BYTES;
  const isBeyond = (sequence: number, at: number): boolean =>
    sequence > limit.sequence || at > limit.youngest || (at >= limit.olderThan && standing.settled >= limit.settled);
  const reading = log.follow(
    from,
    (entry) => {
      if (enough.signal.aborted) return;
      heard++;
      if (entry.sequence < from || isBeyond(entry.sequence, entry.at)) return enough.abort();
      standing.take(entry.content);
      part.last = entry.sequence;
      if (isWhole) {
        if (entry.sequence >= limit.sequence) enough.abort();
        return;
      }
      const line = JSON.stringify(lineOf(entry));
      part.lines.push(line);
      bytes += line.length;
      if (entry.sequence >= limit.sequence || isFull()) enough.abort();
    },
    enough.signal,
  );
  void giveUp();
  await reading;
  signal.removeEventListener('abort', end);
  return { ...part, isAll: !isFull() };

  async function giveUp(): Promise<void> {
    for (let before = -1; !enough.signal.aborted; before = heard) {
      await clock.sleep(QUIET_IN_MS, enough.signal);
      if (heard === before) enough.abort();
    }
  }
}
