import { spawnSync } from 'node:child_process';
import type { Msg } from 'nats';
import { describe, expect } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { ensureStream } from '#src/nats/transport/streams/ensure-stream.ts';
import type { EnsuredStreams } from '#src/nats/transport/streams/ensured-streams.ts';
import { keyValueStream } from '#src/nats/wire/topology.ts';
import { describeKeyValue } from '#test/contract/key-value.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats, topology } from '#test/support/nats/opened-nats.ts';

// Not the shared server, because the test kills it.
let server: TestServer;
test.beforeAll(({ server: own }) => {
  server = own;
});

async function create({ connection }: OpenedNats, bucket: string) {
  const stream = keyValueStream(bucket, topology);
  await ensureStream(connection, stream);
  return stream;
}

describeKeyValue('on JetStream', async () => {
  const [mine, theirs] = [await openNats(server.url), await openNats(server.url)];
  await create(mine, 'CONTRACT');
  return {
    store: await openKeyValue(mine.connection, 'CONTRACT'),
    other: await openKeyValue(theirs.connection, 'CONTRACT'),
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
    await expect.poll(() => [...directory.names()].sort(), { timeout: 5_000 }).toEqual(['comes', 'stays']);
    await again.put({ name: 'stays', ...inline, timeoutInMs: 7 });
    await expect.poll(() => heard.at(-1), { timeout: 5_000 }).toBe('stays 7');
    stop.abort();
  });
});

/** Puts a key, waits until the server has sent it to the watchers, and publishes to a subject. */
const putThenPublish = `
  import { connect } from 'nats';
  const nats = await connect({ servers: process.argv[1] });
  const { seq } = await nats.jetstream().publish('$KV.ORDERED.key', '1');
  const manager = await nats.jetstreamManager();
  for (let isSent = false; !isSent; ) for await (const { delivered } of manager.consumers.list('KV_ORDERED')) isSent = delivered.stream_seq >= seq;
  nats.publish('after.it', '');
  await nats.drain();
`;

test('a watch reports the values of a bucket that was created again, also those with a former revision', async () => {
  await using mine = await openNats(server.url);
  const bucket = await create(mine, 'AGAIN');
  let notice = (): void => {};
  const onRecreated: EnsuredStreams['onRecreated'] = (_, listener) => {
    notice = listener;
    return () => {};
  };
  const store = await openKeyValue(mine.connection, 'AGAIN', { ...mine.ports.streams, onRecreated });
  await store.put('key', 'former');
  const stop = new AbortController();
  const heard: (string | undefined)[] = [];
  await store.watch(({ value }) => heard.push(value), stop.signal);
  await mine.connection.manager.streams.delete('KV_AGAIN');
  await ensureStream(mine.connection, bucket);
  expect(await store.put('key', 'new')).toBe(1);
  notice();
  await expect.poll(() => heard).toEqual(['former', undefined, 'new']);
  stop.abort();
});

test('a watch reports a change before any message that the server sends later, in a busy process too (FN1)', async () => {
  await using mine = await openNats(server.url);
  await create(mine, 'ORDERED');
  const store = await openKeyValue(mine.connection, 'ORDERED');
  const stop = new AbortController();
  const heard: string[] = [];
  await store.watch(({ key }) => heard.push(`change of ${key}`), stop.signal);
  mine.connection.nats.subscribe('after.it', { callback: () => void heard.push('message') });
  await mine.connection.nats.flush();
  // This process reads nothing meanwhile, so that it then reads both at one time.
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', putThenPublish, server.url], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  await expect.poll(() => heard, { timeout: 10_000 }).toHaveLength(2);
  expect(heard).toEqual(['change of key', 'message']);
  stop.abort();
});

test('a change has reached the watchers when the server has sent it to all of them', { timeout: 60_000 }, async () => {
  await using mine = await openNats(server.url);
  await using theirs = await openNats(server.url);
  await create(mine, 'REACHED');
  const store = await openKeyValue(mine.connection, 'REACHED');
  const other = await openKeyValue(theirs.connection, 'REACHED');
  const stop = new AbortController();
  const heard: string[] = [];
  await other.watch(({ value = '' }) => heard.push(value), stop.signal);
  for (let round = 0; round < 1_000; round++) {
    const revision = await store.put('key', String(round));
    const startedAt = performance.now();
    await store.reachedWatchers(revision);
    // After a second nothing is promised. A process of a very busy machine can stand for so long.
    if (performance.now() - startedAt >= 1_000) continue;
    // The answer comes after everything that the server sent before.
    await theirs.connection.nats.flush();
    expect(heard.at(-1)).toBe(String(round));
  }
  stop.abort();
});

test('a change does not wait for a server that does not answer', async () => {
  await using mine = await openNats(server.url);
  const store = await openKeyValue(mine.connection, 'SILENT');
  server.pause();
  try {
    const reached = store.reachedWatchers(1).then(() => 'reached');
    // The client gives up a request after 5 s.
    expect(await Promise.race([reached, systemClock.sleep(4_000).then(() => 'late')])).toBe('reached');
  } finally {
    server.resume();
  }
});

/** Whether a message is the server's refusal to create a consumer. */
function isRefusedConsumer(message: Msg): boolean {
  const text = message.string();
  return text.includes('consumer_create_response') && text.includes('"error"');
}

test('a watch continues after an outage longer than the client waits, without an unhandled rejection', async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    await using mine = await openNats(server.url);
    const { manager } = mine.connection;
    const away = await create(mine, 'AWAY');
    const store = await openKeyValue(mine.connection, 'AWAY');
    await store.put('before', '1');
    const stop = new AbortController();
    const heard: string[] = [];
    await store.watch(({ key, value }) => heard.push(`${key} ${value}`), stop.signal);
    expect(heard).toEqual(['before 1']);
    let refusals = 0;
    await using observer = await openNats(server.url);
    observer.connection.nats.subscribe('_INBOX.>', { callback: (_, message) => void (isRefusedConsumer(message) && refusals++) });
    await observer.connection.nats.flush();
    await manager.streams.delete('KV_AWAY');
    // The client misses two heartbeats of 5 s, and then cannot create its consumer again.
    await expect.poll(() => refusals, { timeout: 40_000 }).toBeGreaterThan(0);
    await ensureStream(mine.connection, away);
    await store.put('after', '2');
    await expect.poll(() => heard).toEqual(['before 1', 'after 2', 'before undefined']);
    stop.abort();
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
});
