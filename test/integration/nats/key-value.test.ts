import { describe, expect } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { describeKeyValue } from '#test/contract/key-value.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

// Not the shared server, because the test kills it.
let server: TestServer;
test.beforeAll(({ server: own }) => {
  server = own;
});

describeKeyValue('on JetStream', async () => {
  const [mine, theirs] = [await openNats(server.url), await openNats(server.url)];
  return {
    store: await openKeyValue(mine.connection, 'CONTRACT', { replicas: 1 }),
    other: await openKeyValue(theirs.connection, 'CONTRACT', { replicas: 1 }),
    async [Symbol.asyncDispose]() {
      await mine[Symbol.asyncDispose]();
      await theirs[Symbol.asyncDispose]();
    },
  };
});

describe('the function directory over a restart of the server', () => {
  test('reports the changes during and after the restart, including deletions', async () => {
    await using mine = await openNats(server.url);
    const registry = createFunctionRegistry(mine.ports.functions);
    const inline = { handler: { kind: 'inline' } };
    for (const name of ['stays', 'leaves']) await registry.put({ name, ...inline });
    const stop = new AbortController();
    const directory = await openFunctionDirectory(mine.ports.functions, { signal: stop.signal });
    const heard: string[] = [];
    directory.subscribe((name, found) => heard.push(`${name} ${found === undefined ? 'gone' : found.definition.timeoutInMs}`));
    expect(heard).toEqual(['stays 30000', 'leaves 30000']);
    await server.kill();
    await server.restart();
    await using theirs = await openNats(server.url);
    const again = createFunctionRegistry(theirs.ports.functions);
    await again.delete('leaves');
    await again.put({ name: 'comes', ...inline });
    await expect
      .poll(() => [...directory.values()].map(({ definition }) => definition.name).sort(), { timeout: 5_000 })
      .toEqual(['comes', 'stays']);
    await again.put({ name: 'stays', ...inline, timeoutInMs: 7 });
    await expect.poll(() => heard.at(-1), { timeout: 5_000 }).toBe('stays 7');
    stop.abort();
  });
});

test('a watch continues after an outage longer than the client waits, without an unhandled rejection', { timeout: 40_000 }, async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    await using mine = await openNats(server.url);
    const { manager } = mine.connection;
    const store = await openKeyValue(mine.connection, 'AWAY', { replicas: 1 });
    await store.put('before', '1');
    const stop = new AbortController();
    const heard: string[] = [];
    await store.watch(({ key, value }) => heard.push(`${key} ${value}`), stop.signal);
    expect(heard).toEqual(['before 1']);
    await manager.streams.delete('KV_AWAY');
    // The client misses two heartbeats of 5 s, and then cannot create its consumer again.
    await systemClock.sleep(16_000);
    await (await openKeyValue(mine.connection, 'AWAY', { replicas: 1 })).put('after', '2');
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['before 1', 'before undefined', 'after 2']);
    stop.abort();
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
});
