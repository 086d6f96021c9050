import type { StreamName } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { OpenRequests } from '#src/core/ports/open-requests.ts';

/** The pauses between the questions. A scheduler knows a request some milliseconds after the log accepted it, on a busy machine somewhat later. */
const PAUSES_IN_MS = [50, 100, 200, 400];

/**
 * Finds the request of a stream without an append, also when the log accepted it a moment ago. Resolves to the sequence of the request, or after
 * several questions to `undefined`.
 */
export async function findQueuedRequest(
  { function: name, stream }: StreamName,
  { findQueued, clock }: { findQueued: OpenRequests['find']; clock: Pick<Clock, 'sleep'> },
): Promise<number | undefined> {
  const ask = async (): Promise<number | undefined> => (await findQueued(stream, name))[0]?.request;
  let found = await ask();
  for (const pauseInMs of PAUSES_IN_MS) {
    if (found !== undefined) return found;
    await clock.sleep(pauseInMs);
    found = await ask();
  }
  return found;
}
