import type { EventLog, FullLogEntry } from '#src/core/log/event-log.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { systemClock } from '#src/core/ports/clock.ts';

/** An invocation, by what a message of the log names. */
export type LoggedInvocation = { requestId: string; function: string };

/**
 * The invocations that a message of the log is about: one, or those of a batch. Empty when the log does not hold the message, or when the
 * message is about no invocation.
 */
export async function findInvocationsAt(
  { followFully: follow, firstFrom }: Pick<EventLog, 'followFully' | 'firstFrom'>,
  sequence: number,
): Promise<LoggedInvocation[]> {
  if (sequence < 1 || (await firstFrom(sequence))?.sequence !== sequence) return [];
  let found: LoggedInvocation[] = [];
  await readUpTo({ follow, firstFrom }, { from: sequence, to: sequence, clock: systemClock }, (entry) => {
    found = invocationsIn(entry);
  });
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
