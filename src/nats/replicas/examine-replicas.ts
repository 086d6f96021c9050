import { systemClock } from '#src/core/ports/clock.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { compareReplicas, type ReplicaComparison } from './compare-replicas.ts';
import { createReplicaCursors } from './replica-cursors.ts';

const BLOCKS = 8;
const CAUGHT_UP_WITHIN_MS = 5_000;
const POLL_EVERY_MS = 200;

/** Compares the replicas of the log; `undefined` when the log has one replica. A replica that is behind is skipped. Changes nothing. */
export async function examineReplicas(connection: Connection, blocks = BLOCKS): Promise<ReplicaComparison | undefined> {
  const { config, state } = await connection.manager.streams.info(INVOCATIONS);
  if (config.num_replicas === 1) return undefined;
  const { current, behind } = await waitForFollowers(connection);
  const options = { servers: current, first: Math.max(1, state.first_seq), upTo: state.last_seq, blocks };
  const compared = await compareReplicas(createReplicaCursors(connection), options);
  return { ...compared, skipped: [...behind, ...compared.skipped] };
}

/** The replicas that hold what the leader held at the call, and the others with the reason. */
async function waitForFollowers({ manager }: Connection): Promise<{ current: string[]; behind: ReplicaComparison['skipped'] }> {
  const deadline = performance.now() + CAUGHT_UP_WITHIN_MS;
  for (;;) {
    const { cluster } = await manager.streams.info(INVOCATIONS);
    const followers = cluster?.replicas ?? [];
    const late = followers.filter(({ current, offline }) => !current || offline);
    if (late.length > 0 && performance.now() < deadline) {
      await systemClock.sleep(POLL_EVERY_MS);
      continue;
    }
    const current = [cluster?.leader ?? '', ...followers.filter((one) => !late.includes(one)).map(({ name }) => name)];
    const behind = late.map(({ name, offline, lag = 0 }) => ({
      server: name,
      why: offline ? 'it is offline' : `it is ${lag} messages behind`,
    }));
    return { current, behind };
  }
}
