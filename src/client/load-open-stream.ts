import type { EventLog, StreamName } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { OpenRequests } from '#src/core/ports/open-requests.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';

/** The pauses between the questions. A scheduler knows a request some milliseconds after the log accepted it, on a busy machine somewhat later. */
const PAUSES_IN_MS = [50, 100, 200, 400];

type Ports = { log: EventLog; findQueued: OpenRequests['find']; clock: Pick<Clock, 'sleep'> };

/**
 * Reads a stream, also one without an append whose request the log accepted a moment ago. `request`: the sequence of the request, where it is known.
 * Resolves to `undefined` when no scheduler knows the request after several questions.
 */
export async function loadOpenStream(name: StreamName, ports: Ports, request?: number): Promise<StreamState | undefined> {
  return (await loadStream(ports.log, name, request)) ?? (await loadStream(ports.log, name, await findQueuedRequest(name, ports)));
}

async function findQueuedRequest({ function: name, stream }: StreamName, { findQueued, clock }: Ports): Promise<number | undefined> {
  const ask = async (): Promise<number | undefined> => (await findQueued(stream, name))[0]?.request;
  let found = await ask();
  for (const pauseInMs of PAUSES_IN_MS) {
    if (found !== undefined) return found;
    await clock.sleep(pauseInMs);
    found = await ask();
  }
  return found;
}
