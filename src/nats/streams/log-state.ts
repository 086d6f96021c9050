import type { StreamInfo } from 'nats';
import type { LogState } from '#src/core/log/log-source.ts';
import type { Authority } from '#src/core/log/regression.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';

/** A leader hears from each follower every second. A leader that is cut off, or was paused, has heard from none for at least 4 s. */
const HEARD_WITHIN_NS = 3_000_000_000;

/** Asks the leader of the log for its identity and extent. */
export async function readLogState({ manager }: Connection): Promise<LogState> {
  const info = await manager.streams.info(INVOCATIONS);
  const { created, state } = info;
  return {
    created: String(created),
    first: Math.max(1, state.first_seq),
    last: state.last_seq,
    messages: state.messages,
    authority: authorityOf(info),
  };
}

function authorityOf({ config, cluster }: StreamInfo): Authority {
  if (config.num_replicas === 1) return 'sole';
  const followers = cluster?.replicas ?? [];
  // The server reports 0 for a follower that this leader has not heard from yet.
  const heard = followers.filter(({ active }) => active > 0 && active < HEARD_WITHIN_NS).length;
  return heard + 1 > config.num_replicas / 2 ? 'quorum' : 'unproven';
}
