import type { EventLog, FullLogEntry } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';

export type LogReading = {
  lastSequence: EventLog['lastSequence'];
  follow: (from: number, onEntry: (entry: FullLogEntry) => void, signal: AbortSignal) => Promise<void>;
  clock: Clock;
  from?: number;
};

/** How long nothing may come, from a log that answers, before its last messages are held to be gone. */
const QUIET_IN_MS = 5_000;

/**
 * Tells all messages from a sequence to the present end; resolves to the last sequence there is.
 *
 * The newest messages may have been deleted, though their numbers count: then it ends when nothing more comes.
 */
export async function readLog(
  { lastSequence, follow, clock, from = 1 }: LogReading,
  onEntry: (entry: FullLogEntry) => void,
): Promise<number> {
  const last = await lastSequence();
  if (last < from) return last;
  const enough = new AbortController();
  let heard = 0;
  const following = follow(
    from,
    (entry) => {
      if (enough.signal.aborted) return;
      heard++;
      if (entry.sequence <= last) onEntry(entry);
      if (entry.sequence >= last) enough.abort();
    },
    enough.signal,
  );
  void giveUp();
  await following.finally(() => enough.abort());
  return last;

  async function giveUp(): Promise<void> {
    for (let before = -1; !enough.signal.aborted; ) {
      await clock.sleep(QUIET_IN_MS, enough.signal);
      // A question that is not answered says nothing about what is there.
      const isAnswered = await lastSequence().then(
        () => true,
        () => false,
      );
      if (isAnswered && heard === before) enough.abort();
      before = heard;
    }
  }
}
