import type { Registry } from 'prom-client';
import { type LogLoss, lostAtMost } from '#src/core/log/losses/log-loss.ts';
import type { ReplicaWatch } from '../operations/replica-watch.ts';
import { addGauges } from './gauges.ts';

/** The losses that no operator has acknowledged, and the last refusal of a full log. */
export type LogProblems = { readonly losses: readonly LogLoss[]; readonly refusal: { at: number; why: string } | undefined };

/** What this gateway knows without a look-up. */
export type KnownProblems = { isConnected: () => boolean; logWatch: LogProblems | undefined; replicaWatch: ReplicaWatch | undefined };

/** The metrics of problems that this gateway knows while NATS does not answer, too. */
export function createProblemMetrics(registry: Registry, { isConnected, logWatch, replicaWatch }: KnownProblems): void {
  addGauges(registry, async () => ({}), [
    { name: 'nats_connected', help: '1 while this gateway is connected to NATS, otherwise 0', measure: () => Number(isConnected()) },
    {
      name: 'log_lost_messages',
      help: 'The largest number of acknowledged messages that the log lost, until an operator acknowledges the loss',
      measure: () => logWatch?.losses.reduce((sum, loss) => sum + lostAtMost(loss), 0),
    },
    {
      name: 'log_replicas_differ',
      help: '1 when the replicas of the log differed in the last comparison, otherwise 0',
      measure: () => (replicaWatch === undefined ? undefined : Number(replicaWatch.difference !== undefined)),
    },
  ]);
}
