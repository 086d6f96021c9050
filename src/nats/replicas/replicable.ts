import { SequentError } from '#src/core/errors.ts';
import { isAtLeast } from '#src/nats/transport/server-version.ts';

/** The oldest version on which the storm of `test/cluster` passes. The replicas of 2.10 differ after a pause and a kill of the leader. */
const OLDEST_REPLICABLE = '2.12';

/** Whether a cluster of this version of nats-server keeps its replicas equal. */
export function isReplicable(version: string): boolean {
  return isAtLeast(version, OLDEST_REPLICABLE);
}

/** The server is too old for several replicas. Nothing was created. */
export class NotReplicableError extends SequentError {
  readonly code = 'NATS_TOO_OLD';
  readonly retryable = false;
  readonly exitCode = 6;
  constructor({ version, replicas }: { version: string; replicas: number }, options?: ErrorOptions) {
    const why = 'the replicas of an older cluster can differ after failures, so that acknowledged requests are lost or run twice';
    super(`--replicas ${replicas} needs nats-server ${OLDEST_REPLICABLE} or newer, not ${version}: ${why}`, options);
  }
}
