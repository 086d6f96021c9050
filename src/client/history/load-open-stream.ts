import type { EventLog, StreamName } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { OpenRequests } from '#src/core/ports/questions/open-requests.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { lookUpAgain } from '#src/core/time/look-up-again.ts';

/** The pauses between the questions. A scheduler knows a request some milliseconds after the log accepted it, on a busy machine somewhat later. */
const PAUSES_IN_MS = [50, 100, 200, 400];

type Ports = { log: EventLog; findQueued: OpenRequests['find']; clock: Pick<Clock, 'sleep'> };

/**
 * Reads a stream, also one without an append whose request the log accepted a moment ago. `request`: the sequence of the request, where it is known.
 * Resolves to `undefined` when no scheduler knows the request after several questions. Throws `NoAnswerError`.
 */
export async function loadOpenStream(name: StreamName, ports: Ports, request?: number): Promise<StreamState | undefined> {
  const { log, findQueued, clock } = ports;
  const known = await loadStream(log, name, request);
  if (known !== undefined) return known;
  const queued = await lookUpAgain(async () => (await findQueued(name.stream, name.function))[0], { clock, pausesInMs: PAUSES_IN_MS });
  return await loadStream(log, name, queued?.request);
}
