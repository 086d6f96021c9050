import { systemClock } from '#src/core/ports/clock.ts';
import type { NatsPorts } from '#src/nats/ports.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';

const ANSWER_WITHIN_MS = 2_000;

/** Resolves to the reason why a process can do no work now, and to `undefined` when it can. */
export type Readiness = () => Promise<string | undefined>;

type ReadinessOptions = { connection: Pick<Connection, 'isConnected'>; ports: Pick<NatsPorts, 'log' | 'clock'>; stopping: AbortSignal };

/** The readiness of the roles of a process. Callers at the same time share one question to the log. */
export function createReadiness({ connection, ports, stopping }: ReadinessOptions): Readiness {
  let asked: Promise<boolean> | undefined;
  function answers(): Promise<boolean> {
    asked ??= ports.log
      .lastSequence()
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        asked = undefined;
      });
    return asked;
  }
  return async () => {
    if (stopping.aborted) return 'it is stopping';
    if (!connection.isConnected) return 'NATS is not connected';
    const { offset, isWithinLimit } = ports.clock;
    if (!isWithinLimit && offset === undefined) return 'it takes no work, because the NATS server does not answer with its time';
    if (!isWithinLimit) return 'it takes no work, because the clock of this machine is too far from that of the NATS server';
    const inTime = await Promise.race([answers(), systemClock.sleep(ANSWER_WITHIN_MS).then(() => false)]);
    return inTime ? undefined : 'the log does not answer';
  };
}
