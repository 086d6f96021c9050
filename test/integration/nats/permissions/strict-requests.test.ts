import { describe, expect } from 'vitest';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openNats, topology } from '#test/support/nats/opened-nats.ts';

/** A server of the test's own: it must hold none of the streams yet. */
let server: TestServer;

test.beforeAll(({ server: own }) => {
  server = own;
});

type Config = Record<string, unknown>;

describe('a request that creates a stream', () => {
  // nats-server refuses unknown fields from 2.12 on. An older server drops them, so they are missing in what it answers.
  test('holds only fields that the server knows, each with the value that the stream then has', async () => {
    const observer = await openConnection({ servers: server.url });
    const requested: Config[] = [];
    const prefix = '$JS.API.STREAM.CREATE.';
    observer.nats.subscribe(`${prefix}*`, { callback: (_error, message) => void requested.push(message.json<Config>()) });
    await observer.nats.flush();

    const opened = await openNats(server.url, { topology });
    await opened.ports.packages.put(new Uint8Array([1, 2, 3]));
    await observer.nats.flush();

    const { streams } = await observer.nats.jetstreamManager();
    expect(requested.map(({ name }) => name)).toContain('OBJ_SEQUENT_CODE');
    for (const config of requested) {
      const stored = (await streams.info(String(config.name))).config;
      // The server omits fields that have their zero value.
      const given = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined && value !== 0 && value !== ''));
      expect(stored).toMatchObject(given);
    }
    await opened[Symbol.asyncDispose]();
    await observer.close();
  });
});
