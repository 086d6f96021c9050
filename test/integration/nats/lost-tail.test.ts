import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { createNatsEventLog } from '#src/nats/streams/event-log.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { describeLostTail } from '#test/contract/lost-tail.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

// Not the shared server, because its store is replaced.
const server = await startTestServer();
afterAll(() => server[Symbol.asyncDispose]());

describeLostTail('on JetStream', async () => {
  const nats = await openNats(server.url);
  const { connection } = nats;
  const publisher = createPublisher(connection);
  const deaf = Object.create(connection, { onReconnect: { value: () => () => {} } }) as Connection;
  const reconnected = () => expect.poll(() => connection.isConnected, { timeout: 10_000 }).toBe(true);
  return {
    log: nats.ports.log,
    unaware: createNatsEventLog({ connection: deaf, publisher, clock: systemClock, budgetInMs: 5_000 }),
    async keep() {
      await server.end();
      await replace(keptStore(server), store(server));
      await server.restart();
      await reconnected();
    },
    async lose() {
      await server.kill();
      await replace(store(server), keptStore(server));
      await server.restart();
      await reconnected();
    },
    async [Symbol.asyncDispose]() {
      publisher.close();
      await nats[Symbol.asyncDispose]();
    },
  };
});

const store = ({ dataDir }: TestServer): string => join(dataDir, 'nats', 'jetstream');
const keptStore = ({ dataDir }: TestServer): string => join(dataDir, 'kept');

async function replace(target: string, source: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  await cp(source, target, { recursive: true });
}
