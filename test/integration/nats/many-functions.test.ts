import type { StreamConfig } from 'nats';
import { describe, expect, test } from 'vitest';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { isAtLeast } from '#src/nats/transport/server-version.ts';
import { INVOCATIONS, MAX_CONSUMERS } from '#src/nats/wire/topology.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { startSystem } from '#test/support/nats/running-system.ts';

/** More than nats-server 2.15 allows on a stream that names no number of its own. */
const FUNCTIONS = 1_100;

/** Handlers that return the name of their function. */
const handlers = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`fn${i}`, async () => `fn${i}`] as const));

describe('functions above the default limit of consumers of newer servers', () => {
  test('all run', { timeout: 240_000 }, async () => {
    await using server = await startTestServer();
    await using system = await startSystem(server.url, handlers(FUNCTIONS));
    const published = await Promise.all(Array.from({ length: FUNCTIONS }, (_, i) => system.publish(`fn${i}`, '{}')));
    const results = await Promise.all(published.map((one) => system.resultOf(one)));
    expect(results.map(({ envelope }) => envelope.response_payload)).toEqual([...handlers(FUNCTIONS).keys()]);
  });

  test('run on a stream that a server capped, after the next start of Sequent', async ({ skip }) => {
    await using server = await startTestServer();
    const connection = await openConnection({ servers: server.url });
    skip(!isAtLeast(connection.nats.info?.version ?? '', '2.15'), 'older servers cap no stream');
    await (await startSystem(server.url, handlers(1)))[Symbol.asyncDispose]();
    const capped: Partial<StreamConfig> = { max_consumers: 3 };
    await connection.manager.streams.update(INVOCATIONS, capped);
    await using system = await startSystem(server.url, handlers(10));
    const results = await Promise.all(Array.from({ length: 10 }, async (_, i) => system.resultOf(await system.publish(`fn${i}`, '{}'))));
    expect(results.map(({ envelope }) => envelope.response_payload)).toEqual([...handlers(10).keys()]);
    expect((await connection.manager.streams.info(INVOCATIONS)).config.max_consumers).toBe(MAX_CONSUMERS);
    await connection.close();
  });
});
