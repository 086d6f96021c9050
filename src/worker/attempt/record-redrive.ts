import type { Invocation } from '#machines/invocation.ts';
import { messageOf } from '#src/core/errors.ts';
import { streamOf } from '#src/core/names/ids.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { levelOf } from '#src/core/ports/logger.ts';
import type { RunResult } from '#src/core/stream/active-streams.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { WorkerPorts } from '#src/worker/ports.ts';

type Ports = Pick<WorkerPorts, 'log' | 'clock' | 'worker' | 'appendId' | 'logger'>;

/** An origin that cannot be read or written for so long keeps no item of its redrive in the queue any more. */
const RECORD_WITHIN_MS = 3_600_000;

/**
 * Records a redrive in the invocation that it runs again, unless that names it already (RDR1).
 *
 * The process that requested the redrive records it, and may die between the two messages. The item of the redrive is acknowledged only after
 * its worker has looked, so one of both records it. Resolves to `left-unacked` when the record must be tried again.
 */
export async function recordRedrive(redrive: StreamState, origin: string, ports: Ports): Promise<RunResult> {
  const { log, clock, worker: by, appendId, logger } = ports;
  const fact = redrive.request.requests[0]?.fact;
  try {
    const state = await loadStream(log, { function: redrive.name.function, stream: streamOf(origin as RequestId) });
    const found = state?.invocations.get(origin);
    // The janitor may have archived the origin meanwhile.
    if (state === undefined || found === undefined || fact === undefined) return 'settled';
    const id = fact.invocation;
    const isMissing = ({ context: { redrives } }: Invocation): boolean => !redrives.includes(id);
    if (!isMissing(found)) return 'settled';
    const early = found.value === 'notified' ? {} : { isEarly: true as const };
    const writer = new StreamWriter({ log, state, by, appendId, clock });
    await writer.propose(origin, [{ type: 'redriven', invocation: origin, at: clock.now(), redrive: id, ...early }], undefined, isMissing);
    return 'settled';
  } catch (error) {
    const isGivenUp = fact === undefined || clock.now() > fact.at + RECORD_WITHIN_MS;
    logger[levelOf(error)](
      { invocation: origin, error: messageOf(error) },
      'a redrive could not be recorded in the invocation that it runs again',
    );
    return isGivenUp ? 'settled' : 'left-unacked';
  }
}
