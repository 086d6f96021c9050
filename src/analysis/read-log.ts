import type { EventLog, FullLogEntry } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';

export type LogReading = {
  lastSequence: EventLog['lastSequence'];
  follow: (from: number, onEntry: (entry: FullLogEntry) => void, signal: AbortSignal) => Promise<void>;
  clock: Clock;
  from?: number;
};

/** After this time without a message from a log that answers, its last messages are considered deleted. */
const QUIET_IN_MS = 5_000;

/**
 * Reads all messages from a sequence to the present end. Resolves to the last sequence.
 *
 * The newest messages may have been deleted, although their sequences count. The read then ends when no more messages arrive.
 */
export async function readLog(reading: LogReading, onEntry: (entry: FullLogEntry) => void): Promise<number> {
  const { lastSequence, follow, from = 1 } = reading;
  const last = await lastSequence();
  if (last < from) return last;
  const done = new AbortController();
  let received = 0;
  const following = follow(
    from,
    (entry) => {
      if (done.signal.aborted) return;
      received++;
      if (entry.sequence <= last) onEntry(entry);
      if (entry.sequence >= last) done.abort();
    },
    done.signal,
  );
  void endWhenQuiet(reading, done, () => received);
  await following.finally(() => done.abort());
  return last;
}

async function endWhenQuiet({ lastSequence, clock }: LogReading, done: AbortController, received: () => number): Promise<void> {
  for (let before = -1; !done.signal.aborted; ) {
    await clock.sleep(QUIET_IN_MS, done.signal);
    // While the log does not answer, silence proves nothing.
    const isAnswered = await lastSequence().then(
      () => true,
      () => false,
    );
    if (isAnswered && received() === before) done.abort();
    before = received();
  }
}
