import { headers } from 'nats';
import { systemClock } from '#src/core/ports/clock.ts';
import { type NatsPorts, type NatsPortsOptions, openNatsPorts } from '#src/nats/ports.ts';
import { createNatsEventLog } from '#src/nats/streams/log/event-log.ts';
import { type Connection, type NatsOptions, openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher, type Publisher } from '#src/nats/transport/publisher.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import type { OpenedLog } from '#test/support/log/opened-log.ts';

export const topology = { replicas: 1, resultsStorage: 'file', resultsMaxAgeInMs: 3_600_000 } as const;

/** A connection with all its ports, which are closed together. */
export type OpenedNats = AsyncDisposable & { connection: Connection; ports: NatsPorts };

export async function openNats(address: string | NatsOptions, options: Partial<NatsPortsOptions> = {}): Promise<OpenedNats> {
  const connection = await openConnection(typeof address === 'string' ? { servers: address } : address);
  const ports = await openNatsPorts(connection, { topology, leaseInMs: 1_000, ...options });
  return {
    connection,
    ports,
    async [Symbol.asyncDispose]() {
      ports.close();
      await connection.close();
    },
  };
}

/** The log on JetStream for the contract suites: two connections, with an optional wrapper around the first publisher. */
export async function openNatsLog(url: string, wrap: (publisher: Publisher) => Publisher = (publisher) => publisher): Promise<OpenedLog> {
  const [mine, theirs] = [await openNats(url), await openNats(url)];
  const { connection } = mine;
  const publisher = createPublisher(connection);
  const jetstream = connection.nats.jetstream();
  const manager = await connection.nats.jetstreamManager();
  return {
    log: createNatsEventLog({ connection, publisher: wrap(publisher), clock: systemClock }),
    other: theirs.ports.log,
    async publish(token, data, given = {}) {
      const found = headers();
      for (const [name, value] of Object.entries(given)) found.append(name, value);
      return (await jetstream.publish(`invoke.${token}`, data, { headers: found })).seq;
    },
    async purge(before) {
      await manager.streams.purge(INVOCATIONS, { seq: before });
    },
    async [Symbol.asyncDispose]() {
      publisher.close();
      await theirs[Symbol.asyncDispose]();
      await mine[Symbol.asyncDispose]();
    },
  };
}
