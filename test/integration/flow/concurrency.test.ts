import { describe, expect } from 'vitest';
import { connectClient, defineFunction, startWorker } from '#src/client/client.ts';
import { test } from '#test/support/fixtures.ts';

describe('the concurrency of a function', () => {
  test('is reached by executions that all wait for each other, at a concurrency of 700', async ({
    server,
    // Creates the streams of JetStream.
    nats: _,
  }) => {
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
