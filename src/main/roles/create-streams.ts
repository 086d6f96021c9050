import { openNatsPorts } from '#src/nats/ports.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { ensureStream } from '#src/nats/transport/streams/ensure-stream.ts';
import { gatewayStreams, type TopologyOptions } from '#src/nats/wire/topology.ts';

type StreamSettings = { topology: TopologyOptions; auditRetentionInMs: number | undefined };

/**
 * Creates the streams and buckets of all roles, and updates existing ones. The roles then start as users without permission to do so.
 *
 * Throws `StreamRefusedError` when a limit of the account or of the server is exceeded.
 */
export async function createStreams(connection: Connection, { topology, auditRetentionInMs: maxAgeInMs }: StreamSettings): Promise<void> {
  const ports = await openNatsPorts(connection, { topology, leaseInMs: 1_000 });
  ports.close();
  for (const stream of gatewayStreams({ ...topology, maxAgeInMs })) await ensureStream(connection, stream);
}
