import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { headers } from 'nats';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import type { ClusterServer } from './cluster-server.ts';

const messagesBelow = (store: string): string => join(store, 'jetstream', '$G', 'streams', INVOCATIONS, 'msgs');

/**
 * Replaces the messages of one replica, whose server is stopped, by those of another log: as many, on the same subjects, with other times.
 *
 * nats-server accepts them, because their checksums are right and their last sequence is the one that the replica had. An operator who
 * restores the folder of the wrong backup does the same.
 */
export async function restoreForeignMessages(replica: ClusterServer, { manager }: Connection): Promise<void> {
  await using server = await startTestServer();
  await using other = await openNats(server.url);
  const { state } = await manager.streams.info(INVOCATIONS);
  for (let sequence = 1; sequence <= state.last_seq; sequence++) {
    const message = await manager.streams.getMessage(INVOCATIONS, { seq: sequence });
    const copied = headers();
    for (const [name, values] of message.header) for (const value of values) copied.append(name, value);
    const { seq } = await other.connection.jetstream.publish(message.subject, message.data, { headers: copied });
    if (seq !== sequence) throw new Error(`message ${sequence} of the log became message ${seq}`);
  }
  await server.end();
  const target = messagesBelow(replica.folder);
  await rm(target, { recursive: true });
  await cp(messagesBelow(join(server.dataDir, 'nats')), target, { recursive: true });
}
