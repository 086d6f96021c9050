import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClient, defineFunction, startWorker } from '#src/client/client.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

describe('the concurrency of a function', () => {
  test('is reached by executions that all wait for each other, at a concurrency of 700', async () => {
    const CONCURRENCY = 700;
    let started = 0;
    let open = (): void => {};
    const all = new Promise<void>((resolve) => {
      open = resolve;
    });
    const meeting = defineFunction({
      name: 'meeting',
      concurrency: CONCURRENCY,
      timeoutInMs: 60_000,
      handler: async () => {
        if (++started === CONCURRENCY) open();
        await all;
      },
    });
    // Creates the streams of JetStream.
    await using _ = await openNats(server.url);
    const worker = await startWorker({ servers: server.url, functions: [meeting] });
    await using client = await connectClient({ servers: server.url });
    // Each invocation has its own id, and therefore its own stream.
    const ids = Array.from({ length: CONCURRENCY + 100 }, (_, i) => `meeting-${i}`);
    const outcomes = ids.map(async (id) => (await (await client.invoke('meeting', {}, { id })).result()).outcome);
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['succeeded']));
    expect(started).toBe(ids.length);
    await worker.stop(1_000);
  });
});
