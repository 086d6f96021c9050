import { NatsUnavailableError } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';

export type ReadableLog<Entry> = {
  follow(from: number, onEntry: (entry: Entry) => void, signal: AbortSignal): Promise<void>;
  /** The first message at or after a sequence, by the leader of the log; `undefined` when there is none. */
  firstFrom(sequence: number): Promise<{ sequence: number } | undefined>;
};

/** The sequences are those of the first and of the last message. */
export type Span = { from: number; to: number; clock: Pick<Clock, 'sleep'>; signal?: AbortSignal };

/** After this time without a message, the leader is asked whether there is one. */
const QUIET_IN_MS = 1_000;

/**
 * Reads the messages from one sequence to another, in order, and resolves (J8).
 *
 * 1. The read ends with a message at or after `to`. When the last messages were deleted, it ends when the log holds no unread message up to
 *    `to`.
 * 2. Silence alone ends no read: a follower on a replica that is behind receives nothing for many seconds. A caller that took the messages
 *    before the silence for all messages would verify, erase or purge by a part of the log.
 * 3. An aborted signal ends the read early. The caller must ask the signal before it believes that it has read everything.
 * 4. An error of `onEntry` ends the read, which rejects with it.
 */
export async function readUpTo<Entry extends { sequence: number }>(
  log: ReadableLog<Entry>,
  { from, to, clock, signal }: Span,
  onEntry: (entry: Entry) => void,
): Promise<void> {
  if (to < from || signal?.aborted) return;
  const done = new AbortController();
  const end = (): void => done.abort();
  signal?.addEventListener('abort', end, { once: true });
  let next = from;
  const watch = async (): Promise<void> => {
    for (let before = 0; !done.signal.aborted; ) {
      await clock.sleep(QUIET_IN_MS, done.signal);
      if (next === before && !(await holdsBetween(log, next, to))) end();
      before = next;
    }
  };
  const failures: unknown[] = [];
  const take = (entry: Entry): void => {
    if (done.signal.aborted) return;
    next = entry.sequence + 1;
    try {
      if (entry.sequence <= to) onEntry(entry);
    } catch (error) {
      // An error in a callback of a NATS client would end the reader of the whole connection.
      failures.push(error);
    }
    if (entry.sequence >= to || failures.length > 0) end();
  };
  await Promise.all([log.follow(from, take, done.signal).finally(end), watch().finally(end)]);
  signal?.removeEventListener('abort', end);
  if (failures.length > 0) throw failures[0];
}

/** While the log does not answer, it may hold the message. */
async function holdsBetween(log: Pick<ReadableLog<never>, 'firstFrom'>, from: number, to: number): Promise<boolean> {
  try {
    const found = await log.firstFrom(from);
    return found !== undefined && found.sequence <= to;
  } catch (error) {
    if (error instanceof NatsUnavailableError) return true;
    throw error;
  }
}
