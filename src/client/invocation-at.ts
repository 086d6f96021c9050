import type { EventLog, FullLogEntry } from '#src/core/log/event-log.ts';

/** An invocation, by what a message of the log names. */
export type LoggedInvocation = { requestId: string; function: string };

/**
 * The invocations that a message of the log is about: one, or those of a batch. Empty when the log does not hold the message, or when the
 * message is about no invocation.
 */
export async function findInvocationsAt(
  log: Pick<EventLog, 'followFully' | 'lastSequence'>,
  sequence: number,
): Promise<LoggedInvocation[]> {
  if (sequence < 1 || sequence > (await log.lastSequence())) return [];
  const stop = new AbortController();
  let found: LoggedInvocation[] = [];
  await log.followFully(
    sequence,
    (entry) => {
      // A missing message is followed by the next one.
      if (!stop.signal.aborted && entry.sequence === sequence) found = invocationsIn(entry);
      stop.abort();
    },
    stop.signal,
  );
  return found;
}

function invocationsIn(entry: FullLogEntry): LoggedInvocation[] {
  if (entry.kind === 'request') {
    return entry.message.requests.map(({ fact }) => ({ requestId: fact.invocation, function: entry.message.name.function }));
  }
  if (entry.kind !== 'append') return [];
  const ids = new Set(entry.append.facts.map(({ invocation }) => invocation));
  return [...ids].map((requestId) => ({ requestId, function: entry.name.function }));
}
