import { setTimeout as delay } from 'node:timers/promises';

type Follow<Entry> = (from: number, onEntry: (entry: Entry) => void, signal: AbortSignal, ...rest: never[]) => Promise<void>;

/**
 * A log that delivers nothing for a while before the message with a sequence, as a consumer on a replica that is behind does. All messages
 * follow after the pause.
 */
export function pausedAt<Entry extends { sequence: number }, Log extends { follow: Follow<Entry> }>(
  log: Log,
  { sequence, pauseInMs }: { sequence: number; pauseInMs: number },
): Log {
  const follow: Follow<Entry> = async (from, onEntry, signal) => {
    if (from > sequence) return await log.follow(from, onEntry, signal);
    const first = new AbortController();
    await log.follow(
      from,
      (entry) => {
        if (entry.sequence >= sequence) first.abort();
        else if (!first.signal.aborted) onEntry(entry);
      },
      AbortSignal.any([first.signal, signal]),
    );
    await delay(pauseInMs, undefined, { signal }).catch(() => {});
    if (!signal.aborted) await log.follow(sequence, onEntry, signal);
  };
  return { ...log, follow };
}
