import { describe, expect, test } from 'vitest';
import type { StreamName } from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { isAtLeast, SHARES_FSYNC_SINCE } from '#src/nats/transport/server-version.ts';
import { readMessage } from '#src/nats/wire/stored-messages.ts';
import { INVOCATIONS, type LogConfig } from '#src/nats/wire/topology.ts';
import { append, newStream } from '#test/support/log/opened-log.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats, topology } from '#test/support/nats/opened-nats.ts';

const COUNT = 300;
const always = { topology: { ...topology, isSyncedAlways: true } };

/** Appends to that many new streams at once; the result of each has the version that the log acknowledged. */
async function appendAll({ ports }: OpenedNats, names: readonly StreamName[]) {
  return await Promise.all(
    names.map(async (name) => {
      const sent = append([]);
      return { name, id: sent.id, stored: await ports.log.append(name, sent, {}) };
    }),
  );
}

const newStreams = (count = COUNT): StreamName[] => Array.from({ length: count }, () => newStream());

/** What the log holds of each stream: the ids and the versions of its appends. */
async function readAll({ ports }: OpenedNats, names: readonly StreamName[]) {
  return await Promise.all(names.map(async (name) => (await ports.log.read(name, NO_APPENDS)).map(({ id, version }) => ({ id, version }))));
}

async function countBatched({ connection }: OpenedNats, versions: readonly (number | undefined)[]): Promise<number> {
  const found = await Promise.all(versions.map((version) => readMessage(connection, version ?? 0)));
  return found.filter((message) => (message?.headers?.get('Nats-Batch-Id') ?? '') !== '').length;
}

async function allowsBatches({ connection }: OpenedNats): Promise<boolean> {
  const config: LogConfig = (await connection.manager.streams.info(INVOCATIONS)).config;
  return config.allow_atomic === true;
}

/** Whether the server of the test run shares an fsync among the messages of a batch. */
async function isShared(url: string): Promise<boolean> {
  const connection = await openConnection({ servers: url });
  const { version = '' } = connection.nats.info ?? {};
  await connection.close();
  return isAtLeast(version, SHARES_FSYNC_SINCE);
}

describe('appends on a server that makes an fsync for each message', () => {
  test('share atomic batches where the server can, and have the versions that the log holds', async () => {
    await using server = await startTestServer({ fsync: 'always' });
    await using opened = await openNats(server.url, always);
    expect(await allowsBatches(opened)).toBe(await isShared(server.url));
    const appended = await appendAll(opened, newStreams());
    const held = await readAll(
      opened,
      appended.map(({ name }) => name),
    );
    expect(held).toEqual(appended.map(({ id, stored }) => [{ id, version: stored?.version }]));
    const batched = await countBatched(
      opened,
      appended.map(({ stored }) => stored?.version),
    );
    expect(batched > COUNT / 2).toBe(await isShared(server.url));
    // A second process learns from the stream alone that batches are allowed, and a setting of 100 ms takes them back.
    await using other = await openNats(server.url);
    expect(await allowsBatches(other)).toBe(await isShared(server.url));
    await using later = await openNats(server.url, { topology: { ...topology, isSyncedAlways: false } });
    expect(await allowsBatches(later)).toBe(false);
  });

  test('that expect a stale version conflict alone, while the others of their batch are stored', async () => {
    await using server = await startTestServer({ fsync: 'always' });
    await using opened = await openNats(server.url, always);
    const names = newStreams();
    const stale = new Set([3, 77, 150, 299]);
    const earlier = await Promise.all([...stale].map((index) => opened.ports.log.append(names[index] as StreamName, append([]), {})));
    const appended = await appendAll(opened, names);
    expect(appended.flatMap(({ stored }, index) => (stored === undefined ? [index] : []))).toEqual([...stale]);
    const held = await readAll(opened, names);
    expect(held.map((appends) => appends.length)).toEqual(names.map(() => 1));
    expect([...stale].map((index) => held[index]?.[0]?.version)).toEqual(earlier.map((stored) => stored?.version));
  });

  test('are each stored once when the server refuses batches in the middle of the work', async () => {
    await using server = await startTestServer({ fsync: 'always' });
    await using opened = await openNats(server.url, always);
    await appendAll(opened, newStreams());
    const refusing: LogConfig = { allow_atomic: false };
    if (await isShared(server.url)) await opened.connection.manager.streams.update(INVOCATIONS, refusing);
    const appended = await appendAll(opened, newStreams());
    const names = appended.map(({ name }) => name);
    expect(await readAll(opened, names)).toEqual(appended.map(({ id, stored }) => [{ id, version: stored?.version }]));
  });

  test('are each stored once, with their versions, when the server is killed in the middle of the work', { timeout: 120_000 }, async () => {
    await using server = await startTestServer({ fsync: 'always' });
    await using opened = await openNats(server.url, always);
    const names = newStreams(3_000);
    const appending = appendAll(opened, names);
    // The kill is in the middle: the log has some of the appends, and not all.
    await expect.poll(() => opened.ports.logEpoch.highest, { interval: 1, timeout: 30_000 }).toBeGreaterThan(100);
    await server.kill();
    await server.restart();
    const appended = await appending;
    expect(await readAll(opened, names)).toEqual(appended.map(({ id, stored }) => [{ id, version: stored?.version }]));
  });
});
