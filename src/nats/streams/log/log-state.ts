import type { StreamConfig, StreamInfo } from 'nats';
import type { LogState } from '#src/core/log/log-source.ts';
import type { Authority } from '#src/core/log/losses/regression.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { hasLeader } from '#src/nats/transport/streams/ensure-stream.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';

/** A leader hears from each follower every second. A leader that is cut off, or was paused, has heard from none for at least 4 s. */
const HEARD_WITHIN_NS = 3_000_000_000;

/** The metadata of a restored log: when the log that was saved had been created. */
const CREATED = 'sequent-created';

/**
 * When the log was created, which is its identity. A restored log is the log that was saved, but nats-server 2.15 and every cluster give a
 * restored stream a new time. A backup therefore holds the time in the metadata of the stream.
 */
function createdOf({ config, created }: Pick<StreamInfo, 'config' | 'created'>): string {
  return config.metadata?.[CREATED] ?? String(created);
}

/** The configuration of a saved log, with the identity of the log. */
export function withIdentity(config: StreamConfig, log: Pick<StreamInfo, 'config' | 'created'>): StreamConfig {
  return { ...config, metadata: { ...config.metadata, [CREATED]: createdOf(log) } };
}

/** Asks the leader of the log for its identity and extent. */
export async function readLogState({ manager }: Connection): Promise<LogState> {
  const info = await manager.streams.info(INVOCATIONS);
  const { state } = info;
  return {
    created: createdOf(info),
    first: Math.max(1, state.first_seq),
    last: state.last_seq,
    messages: state.messages,
    authority: authorityOf(info),
  };
}

function authorityOf(info: StreamInfo): Authority {
  const { config, cluster } = info;
  if (config.num_replicas === 1) return 'sole';
  if (!hasLeader(info)) return 'unproven';
  const followers = cluster?.replicas ?? [];
  // The server reports 0 for a follower that this leader has not heard from yet.
  const heard = followers.filter(({ active }) => active > 0 && active < HEARD_WITHIN_NS).length;
  return heard + 1 > config.num_replicas / 2 ? 'quorum' : 'unproven';
}
