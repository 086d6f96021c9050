import { expect, test } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { MAX_CHAIN, MAX_HOPS } from '#src/core/functions/definition.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { type RunningRoles, startRoles } from '#src/main/roles/roles.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { handlerFile } from '#test/support/hosts/executions.ts';
import { foldWholeLog } from '#test/support/log/folded-log.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';

const GRACE_IN_MS = 2_000;
/** An append without an answer is repeated for 60 s in a process that does not stop. */
const SOON_AFTER_IN_MS = 40_000;

async function start(url: string): Promise<RunningRoles> {
  return await startRoles({
    connection: await openConnection({ servers: url }),
    roles: ['worker', 'destinations', 'scheduler'],
    topology: { replicas: 1, resultsStorage: 'file', resultsMaxAgeInMs: 3_600_000 },
    leaseInMs: 2_000,
    patienceInMs: 500,
    maxHops: MAX_HOPS,
    maxChain: MAX_CHAIN,
    tenancy: { region: 'local', project: 'default' },
    logger: silentLogger,
  });
}

const outages: Record<string, { begin(server: TestServer): void | Promise<void>; end(server: TestServer): void | Promise<void> }> = {
  'does not run': { begin: (server) => server.kill(), end: (server) => server.restart() },
  'answers nothing': { begin: (server) => server.pause(), end: (server) => server.resume() },
};

test.for(Object.entries(outages))(
  'a stop ends soon after its grace while the server %s, and the next process ends all work',
  { timeout: 180_000 },
  async ([, outage]) => {
    await using server = await startTestServer();
    const roles = await start(server.url);
    await using client = await connectClient({ servers: server.url });
    const handler = { kind: 'process', file: handlerFile(), export: 'sleep' } as const;
    await client.functions.put({ name: 'slow', handler, concurrency: 4 });
    const ids = await Promise.all(Array.from({ length: 24 }, async () => (await client.invoke('slow', { inMs: 500 })).requestId));
    await client.result(ids[0] as string);

    await outage.begin(server);
    const stoppedAt = performance.now();
    await roles.stop(GRACE_IN_MS);
    expect(performance.now() - stoppedAt).toBeLessThan(GRACE_IN_MS + SOON_AFTER_IN_MS);

    await outage.end(server);
    const next = await start(server.url);
    for (const id of ids) expect(await client.result(id)).toMatchObject({ outcome: 'succeeded' });
    expect((await foldWholeLog(next.ports.log)).problems).toEqual([]);
    await next.stop(GRACE_IN_MS);
  },
);
