import { NatsUnavailableError } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Pace } from './log-source.ts';

export type ReadableLog<Entry> = {
  /** `pace` bounds the messages that the log sends beyond the end of the read. */
  follow(from: number, onEntry: (entry: Entry) => void, signal: AbortSignal, pace?: Pace): Promise<void>;
  /** The first message at or after a sequence, by the leader of the log; `undefined` when there is none. */
  firstFrom(sequence: number): Promise<{ sequence: number } | undefined>;
};

/** `from` and `to` are the sequences of the first and of the last message. `most`: the caller takes so many messages, and then aborts. */
export type Span = { from: number; to: number; most?: number; clock: Pick<Clock, 'sleep'>; signal?: AbortSignal };

/** After this time without a message, the leader is asked whether there is one. */
const QUIET_IN_MS = 1_000;
/** The messages and the bytes that are requested and not received yet. */
const MAX_REQUESTED = 4_000;
const MAX_REQUESTED_BYTES = 4_000_000;

/**
 * Reads the messages from one sequence to another, in order, and resolves (J8).
 *
 * 1. The read ends with a message at or after `to`. When the last messages were deleted, it ends when the log holds no unread message up to
 *    `to`.
 * 2. Silence alone ends no read: a follower on a replica that is behind receives nothing for many seconds. A caller that took the messages
 *    before the silence for all messages would verify, erase or purge by a part of the log.
 * 3. An aborted signal ends the read early. The caller must ask the signal before it believes that it has read everything.
 * 4. An error of `onEntry` ends the read, which rejects with it.
 * 5. No more messages are requested than the read takes. Each further message that the log sends costs its server as much as one that is read.
 */
export async function readUpTo<Entry extends { sequence: number }>(
  log: ReadableLog<Entry>,
  { from, to, most = Number.POSITIVE_INFINITY, clock, signal }: Span,
  onEntry: (entry: Entry) => void,
): Promise<void> {
  if (to < from || signal?.aborted) return;
  const done = new AbortController();
  const end = (): void => done.abort();
  signal?.addEventListener('abort', end, { once: true });
  let next = from;
  let taken = 0;
  const pace: Pace = {
    demand: () => Math.min(MAX_REQUESTED, to - next + 1, most - taken),
    maxBytes: () => MAX_REQUESTED_BYTES,
    pauseInMs: () => 0,
    onRelease: () => () => {},
  };
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
    taken++;
    try {
      if (entry.sequence <= to) onEntry(entry);
    } catch (error) {
      // An error in a callback of a NATS client would end the reader of the whole connection.
      failures.push(error);
    }
    if (entry.sequence >= to || failures.length > 0) end();
  };
  await Promise.all([log.follow(from, take, done.signal, pace).finally(end), watch().finally(end)]);
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
