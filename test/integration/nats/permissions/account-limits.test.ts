import { describe, expect, onTestFinished } from 'vitest';
import { StreamRefusedError } from '#src/core/errors.ts';
import { createDisStreams } from '#src/nats/streams/dis-streams.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { GATEWAY_BUCKET, keyValueStream, signaturesStream } from '#src/nats/wire/topology.ts';
import { type ConfiguredServer, startConfiguredServer } from '#test/support/nats/configured-server.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openNats, topology } from '#test/support/nats/opened-nats.ts';
import { startSystem } from '#test/support/nats/running-system.ts';
import { serverSharedByFile } from '#test/support/shared-by-file.ts';

const MAX_FILE = 1_024 ** 3;
/** The streams of Sequent without that of DIS. */
const WITHOUT_DIS = 9;

/** Every client without credentials uses an account with these limits. */
const account = (maxStreams: number): string => `
accounts: { A: { users: [{ user: a, password: pw }], jetstream: {
  max_mem: 64MB, max_file: ${MAX_FILE}, max_streams: ${maxStreams}, max_consumers: 100, max_ack_pending: 1000, max_bytes_required: true
} } }
no_auth_user: a
`;

const test = serverSharedByFile(() => startConfiguredServer(account(WITHOUT_DIS)));
let server: ConfiguredServer;
test.beforeAll(async ({ server: own }) => {
  server = own;
  await using opened = await openNats(server.url);
  await opened.ports.streams.add(keyValueStream(GATEWAY_BUCKET, topology), signaturesStream(topology));
});

async function connect() {
  const connection = await openConnection({ servers: server.url });
  onTestFinished(() => connection.close());
  return connection;
}

async function sizes(): Promise<Record<string, number>> {
  const { manager } = await connect();
  const found = await manager.streams.list().next();
  return Object.fromEntries(found.map(({ config }) => [config.name, config.max_bytes]));
}

describe('an account with limits', () => {
  test('that demands sizes gives each stream its share of the storage, and functions run in it', async () => {
    await using system = await startSystem(server.url, new Map([['orders', async () => 'done']]));
    const { envelope } = await system.resultOf(await system.publish('orders', '{}'));
    expect(envelope.response_payload).toBe('done');
    const found = await sizes();
    expect(Object.keys(found)).toHaveLength(WITHOUT_DIS);
    expect(found).toMatchObject({ INVOCATIONS: Math.floor(MAX_FILE * 0.6), RESULTS: Math.floor(MAX_FILE * 0.15) });
    expect(Object.values(found).every((bytes) => bytes > 8 * 1_024 ** 2)).toBe(true);
  });

  test('that allows few unacknowledged messages gets consumers with that limit, which is reported once', async () => {
    const problems: string[] = [];
    await using opened = await openNats(server.url, { onProblem: (problem) => problems.push(problem) });
    const stop = new AbortController();
    const { queue } = opened.ports;
    const options = { demand: () => 0, onItem: () => {}, signal: stop.signal };
    const names = ['first', 'second'] as never[];
    const running = [
      ...names.map((name) => queue.run({ ...options, source: { kind: 'function', name } })),
      queue.run({ ...options, source: { kind: 'deliveries' } }),
    ];
    const { manager } = opened.connection;
    for (const consumer of ['fn-first', 'fn-second', 'destinations'])
      await expect
        .poll(() =>
          manager.consumers.info('INVOCATIONS', consumer).then(
            ({ config }) => config.max_ack_pending,
            () => undefined,
          ),
        )
        .toBe(1_000);
    expect(problems).toEqual([expect.stringContaining('the NATS account allows a consumer 1000 unacknowledged messages')]);
    stop.abort();
    await Promise.all(running.map(({ done }) => done));
  });

  test('keeps the configured sizes, and follows a change at the next start', async () => {
    const log = 300 * 1_024 ** 2;
    await using _ = await openNats(server.url, { topology: { ...topology, sizes: { log } } });
    expect(await sizes()).toMatchObject({ INVOCATIONS: log });
    await using _again = await openNats(server.url);
    expect(await sizes()).toMatchObject({ INVOCATIONS: log });
  });

  test('that is too small for a configured size refuses it, and the error names the setting', async () => {
    const opening = openNats(server.url, { topology: { ...topology, sizes: { log: 2 * MAX_FILE } } });
    const error = await opening.then(
      () => undefined,
      (refused: unknown) => refused,
    );
    expect(error).toBeInstanceOf(StreamRefusedError);
    expect(String(error)).toMatch(/INVOCATIONS with 2048 MB: .*set a size: --stream-sizes log=…/);
  });

  test('that has no capacity for the stream of DIS fails its records until it has, and reports it once', async () => {
    const connection = await connect();
    const problems: string[] = [];
    const publisher = createPublisher(connection);
    const streams = createDisStreams({ connection, publisher, topology, onProblem: (problem) => problems.push(problem) });
    const record = { stream: 'results', partitionKey: 'id', data: 'e30=', timestamp: 0, deliveryId: 'id/dis-0' };
    const reason = expect.stringContaining('NATS refuses the stream SEQUENT_DIS');
    for (let tries = 0; tries < 2; tries++) expect(await streams.publishRecord(record)).toEqual({ kind: 'failed', reason });
    expect(problems).toEqual([reason]);
    await server.change(account(WITHOUT_DIS + 1));
    await expect.poll(() => streams.publishRecord(record), { timeout: 10_000 }).toEqual({ kind: 'stored' });
    expect(await sizes()).toMatchObject({ SEQUENT_DIS: Math.floor(MAX_FILE * 0.04) });
  });

  test('bounds results in memory by its own limit, and a server without limits bounds them too', async () => {
    const inMemory = { ...topology, resultsStorage: 'memory' } as const;
    await (await connect()).manager.streams.delete('RESULTS');
    await using _ = await openNats(server.url, { topology: inMemory });
    expect((await sizes()).RESULTS).toBeLessThan(64 * 1_024 ** 2);
    await using unlimited = await startTestServer();
    await using opened = await openNats(unlimited.url, { topology: inMemory });
    const { config } = await opened.connection.manager.streams.info('RESULTS');
    expect(config).toMatchObject({ storage: 'memory', max_bytes: 256_000_000 });
  });
});
