import type { StreamName } from '#src/core/log/event-log.ts';
import type { NatsPorts } from '#src/nats/ports.ts';
import { createNatsLogPurge } from '#src/nats/streams/log/log-purge.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import type { SweepPayloads } from '#src/scheduler/sweep-payloads.ts';

const CATCH_UP_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 100;

type SweepOptions = {
  connection: Connection;
  ports: Pick<NatsPorts, 'payloadRemoval' | 'log' | 'clock' | 'publisher'>;
  open: Pick<OpenStreams, 'next' | 'find'>;
  signal: AbortSignal;
};

/** A scheduler knows every open invocation once it has read the log. The log itself has the appends of all others. */
export function payloadSweepOf({ connection, ports, open, signal }: SweepOptions): SweepPayloads {
  const { payloadRemoval: stored, log, clock, publisher } = ports;
  const { lastOf } = createNatsLogPurge({ connection, publisher });
  let last = Number.POSITIVE_INFINITY;
  const isCaughtUp = (): boolean => open.next > last;
  return {
    stored,
    clock,
    async catchUp() {
      last = await log.lastSequence();
      const deadline = clock.now() + CATCH_UP_WITHIN_MS;
      while (!isCaughtUp() && clock.now() < deadline && !signal.aborted) await clock.sleep(LOOK_EVERY_MS, signal);
      return isCaughtUp();
    },
    // While a log is read again from its beginning, every stream counts as one of it.
    isInLog: async (name: StreamName) => open.find(name) !== undefined || !isCaughtUp() || (await lastOf(name)) !== undefined,
  };
}
