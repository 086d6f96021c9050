import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { addEphemeralConsumer } from '#src/nats/transport/streams/consumers.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';

/** A message as one replica holds it. `at` is in nanoseconds since the epoch. */
type ReplicaMessage = { sequence: number; at: number; subject: string; data: Uint8Array };

/** A position in the replica of one server. */
export type ReplicaCursor = {
  server: string;
  /** The number of messages of this replica from the position on. */
  messages: number;
  /** Reads up to `count` messages from the position on. */
  read(count: number): Promise<ReplicaMessage[]>;
};

/** Opens a position in the replica of each of these servers, for the time of `use`. A server is left out when it takes no consumer. */
export type OpenCursors = <Value>(
  at: { from: number; servers: readonly string[] },
  use: (cursors: readonly ReplicaCursor[]) => Promise<Value>,
) => Promise<Value>;

/** JetStream chooses the server of a consumer at random, so three servers take about six consumers. */
const MAX_CONSUMERS = 40;
const READ_WITHIN_MS = 5_000;

/**
 * Reads single replicas through consumers without replicas of their own: such a consumer reads the replica of its server, which its
 * creation names. A direct get would not do, because any replica may answer it.
 */
export function createReplicaCursors({ manager, jetstream }: Connection): OpenCursors {
  return async ({ from, servers }, use) => {
    const names: string[] = [];
    const found = new Map<string, ReplicaCursor>();
    try {
      while (found.size < servers.length && names.length < MAX_CONSUMERS) {
        const { name, cluster, num_pending: messages } = await addEphemeralConsumer(manager, INVOCATIONS, { from });
        names.push(name);
        const server = cluster?.leader ?? '';
        if (servers.includes(server)) found.set(server, { server, messages, read: (count) => read(name, Math.min(count, messages)) });
      }
      return await use([...found.values()]);
    } finally {
      await Promise.all(names.map((name) => manager.consumers.delete(INVOCATIONS, name).catch(() => {})));
    }
  };

  async function read(consumer: string, count: number): Promise<ReplicaMessage[]> {
    if (count === 0) return [];
    const found: ReplicaMessage[] = [];
    const opened = await jetstream.consumers.get(INVOCATIONS, consumer);
    for await (const { seq, subject, data, info } of await opened.fetch({ max_messages: count, expires: READ_WITHIN_MS }))
      found.push({ sequence: seq, at: info.timestampNanos, subject, data });
    return found;
  }
}
