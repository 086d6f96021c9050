import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { LogSource } from '#src/core/log/log-source.ts';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { findSqlite } from '#src/projection/store/sqlite.ts';
import { test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { copyReadModel } from '#test/support/projection/copy-read-model.ts';
import { replaceFiles } from '#test/support/projection/damaged-files.ts';
import { openProjectionOn } from '#test/support/projection/opened-projection.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

let server: TestServer;
let folder: string;

test.beforeEach(({ server: own }) => {
  server = own;
});

/** A log and a read model, both with this many invocations. */
async function begin(count: number): Promise<void> {
  await write(count);
  folder = await mkdtemp(join(server.dataDir, 'projection-'));
  await using opened = await openProjectionOn(server.url, folder);
  await opened.ready();
}

async function write(count: number): Promise<void> {
  await using nats = await openNats(server.url);
  await writeLog(nats.connection, count);
}

/** Opens the read model again, and checks that it equals the log. */
async function reopened(count: number): Promise<readonly string[]> {
  await using opened = await openProjectionOn(server.url, folder);
  await opened.ready();
  const check = await opened.projection.check();
  expect(check.tables.filter(({ isEqual }) => !isEqual)).toEqual([]);
  expect(check.tables[0]).toMatchObject({ table: 'invocations', rows: count });
  const { invocations } = await opened.answers.list({ limit: 1 });
  expect(invocations[0]?.state).toBe('notified');
  return opened.warnings;
}

const store = (): string => join(server.dataDir, 'nats');

async function historyFiles(): Promise<string[]> {
  const names = await readdir(join(folder, '0'));
  return names.filter((name) => name.startsWith('history-')).map((name) => join(folder, '0', name));
}

describe('a read model that the log contradicts is rebuilt', () => {
  test('when it was deleted', async () => {
    await begin(300);
    await rm(folder, { recursive: true });
    await reopened(300);
  });

  test('when an older copy was restored: it continues from its checkpoint', async () => {
    await begin(200);
    const copy = `${folder}-copy`;
    await copyReadModel(folder, copy);
    await write(150);
    await reopened(350);
    await rm(folder, { recursive: true });
    await cp(copy, folder, { recursive: true });
    await reopened(350);
  });

  test('when its file is damaged', async () => {
    await begin(100);
    await replaceFiles(folder);
    const warnings = await reopened(100);
    expect(warnings.join()).toContain('its file is damaged');
  });

  test('when another version of Sequent wrote it', async () => {
    await begin(100);
    const [file = ''] = (await historyFiles()).filter((name) => name.endsWith('.db'));
    const database = (await findSqlite())(file);
    database.exec('PRAGMA user_version = 7');
    database.close();
    const warnings = await reopened(100);
    expect(warnings.join()).toContain('another version of Sequent wrote it');
    expect(await historyFiles()).not.toContain(file);
  });

  test('when the stream was created again, even if it is longer than before', async () => {
    await begin(100);
    await using nats = await openNats(server.url);
    await (await nats.connection.nats.jetstreamManager()).streams.delete(INVOCATIONS);
    await write(180);
    const warnings = await reopened(180);
    expect(warnings.join()).toContain('it was folded from a log created on');
  });

  test('when the stream is created again while the projection runs', async () => {
    await begin(100);
    await using opened = await openProjectionOn(server.url, folder);
    await opened.ready();
    await using nats = await openNats(server.url);
    await (await nats.connection.nats.jetstreamManager()).streams.delete(INVOCATIONS);
    await write(180);
    await expect.poll(async () => (await opened.projection.status()).rebuilds, { timeout: 30_000 }).not.toEqual([]);
    await opened.ready();
    const check = await opened.projection.check();
    expect(check).toMatchObject({ isEqual: true });
    expect(check.tables[0]).toMatchObject({ rows: 180 });
  });

  test('when the tail of the stream was cut', async () => {
    await begin(100);
    await cutTail(60);
    const warnings = await reopened(100);
    expect(warnings.join()).toMatch(/the log ends at \d+, but it was folded up to \d+/);
  });

  test('when the tail was cut and other messages have its sequences', async () => {
    await begin(100);
    await cutTail(60);
    await write(90);
    const warnings = await reopened(190);
    expect(warnings.join()).toMatch(/message \d+ of the log is not the message that was folded/);
  });

  test('when messages were deleted from the middle', async () => {
    await begin(100);
    await using nats = await openNats(server.url);
    const manager = await nats.connection.nats.jetstreamManager();
    for (const sequence of [40, 41]) await manager.streams.deleteMessage(INVOCATIONS, sequence);
    await using opened = await openProjectionOn(server.url, folder);
    await opened.ready();
    expect(opened.warnings.join()).toContain('the log misses 2 messages, but it missed 0 when it was folded');
    expect(await opened.projection.check()).toMatchObject({ isEqual: true });
    const { problems } = await opened.answers.problems({ after: 0, limit: 500 });
    expect(problems).toContainEqual(expect.objectContaining({ kind: 'gap', why: 'the log holds no message from 40 to 41' }));
  });
});

/** Simulates a power cut: the last messages were acknowledged and read, and the store does not hold them. */
async function cutTail(count: number): Promise<void> {
  await server.end();
  const copy = `${server.dataDir}-copy`;
  await cp(store(), copy, { recursive: true });
  await server.restart();
  await write(count);
  {
    await using opened = await openProjectionOn(server.url, folder);
    await opened.ready();
  }
  await server.end();
  await rm(join(store(), 'jetstream'), { recursive: true });
  await cp(join(copy, 'jetstream'), join(store(), 'jetstream'), { recursive: true });
  await rm(copy, { recursive: true });
  await server.restart();
}

describe('a read model that follows the log', () => {
  test('is kept when a new leader of the log has applied fewer messages for three answers (REG2)', async () => {
    await begin(50);
    let behind = 0;
    const wrap = (source: LogSource): LogSource => ({
      ...source,
      async state() {
        const state = await source.state();
        return behind-- > 0 ? { ...state, last: state.last - 10, authority: 'quorum' } : { ...state, authority: 'quorum' };
      },
    });
    await using opened = await openProjectionOn(server.url, folder, { wrap });
    await opened.ready();
    behind = 4;
    await expect.poll(() => behind, { timeout: 10_000 }).toBeLessThan(0);
    expect(await opened.projection.status()).toMatchObject({ isReady: true, rebuilds: [] });
    expect(opened.warnings).toEqual([]);
  });

  test('is rebuilt when the leader of a longer log holds another message at the checkpoint (REG1)', async () => {
    await begin(50);
    let isOther = false;
    const wrap = (source: LogSource): LogSource => ({
      ...source,
      fingerprintAt: async (sequence) => (isOther ? 'another message' : await source.fingerprintAt(sequence)),
    });
    const hasty: Clock = { now: Date.now, sleep: (ms, signal) => systemClock.sleep(ms / 10, signal) };
    await using opened = await openProjectionOn(server.url, folder, { wrap, clock: hasty });
    await opened.ready();
    await write(20);
    isOther = true;
    await expect
      .poll(() => opened.warnings.join(), { timeout: 15_000 })
      .toMatch(/message \d+ of the log is not the message that was folded/);
  });
});

describe('a check', () => {
  test('finds a changed value, a missing row and an added row', async () => {
    await begin(150);
    await using opened = await openProjectionOn(server.url, folder);
    await opened.ready();
    const { database } = opened.projection.store;
    const different = async (): Promise<string[]> =>
      (await opened.projection.check()).tables.filter(({ isEqual }) => !isEqual).map(({ table }) => table);
    expect(await different()).toEqual([]);
    database.exec('UPDATE invocations SET attempts = 9 WHERE seq = (SELECT min(seq) FROM invocations)');
    database.exec('DELETE FROM appends WHERE sequence = 77');
    database.exec("INSERT INTO problems VALUES (5, 5, 5, 'refused', 'one', 'never')");
    expect(await different()).toEqual(['invocations', 'appends', 'problems']);
  });
});

describe('a requested rebuild', () => {
  test('fills a second file, which replaces the live one when it has caught up', async () => {
    await begin(2_000);
    await using opened = await openProjectionOn(server.url, folder);
    await opened.ready();
    const { file } = await opened.projection.status();
    opened.projection.rebuild('a test');
    const during = await opened.projection.status();
    expect(during).toMatchObject({ file, rebuild: { why: 'a test' }, lag: 0 });
    expect((await opened.answers.list({ limit: 500 })).invocations).toHaveLength(500);
    await write(50);
    await opened.ready();
    const after = await opened.projection.status();
    expect(after.file).not.toBe(file);
    const check = await opened.projection.check();
    expect(check).toMatchObject({ isEqual: true });
    expect(check.tables[0]).toMatchObject({ rows: 2_050 });
    expect((await historyFiles()).filter((name) => name.endsWith('.db'))).toHaveLength(1);
  });
});

describe('several processes on one folder', () => {
  test('each keep a whole read model', async () => {
    await begin(200);
    await using one = await openProjectionOn(server.url, folder, { instance: 'one' });
    await using other = await openProjectionOn(server.url, folder, { instance: 'other' });
    await one.ready();
    await other.ready();
    const [first, second] = [await one.projection.check(), await other.projection.check()];
    expect(first.isEqual && second.isEqual).toBe(true);
    expect(first.tables.map(({ live }) => live)).toEqual(second.tables.map(({ live }) => live));
    expect((await one.projection.status()).file).not.toBe((await other.projection.status()).file);
  });
});

test('a read model whose replay failed while the log was unavailable is rebuilt when the log is back', async () => {
  await begin(50);
  let isUnavailable = false;
  let follows = 0;
  let interrupt = (_: Error): void => {};
  const broken = new Promise<never>((_, reject) => {
    interrupt = reject;
  });
  await using opened = await openProjectionOn(server.url, folder, {
    wrap: (source) => ({
      ...source,
      state: async () => {
        if (isUnavailable) throw new Error('the log does not answer');
        return await source.state();
      },
      follow: (...given) => (follows++ === 0 ? Promise.race([source.follow(...given), broken]) : source.follow(...given)),
    }),
  });
  await opened.ready();
  isUnavailable = true;
  interrupt(new Error('the log does not answer'));
  await expect.poll(() => opened.warnings.length).toBeGreaterThan(0);
  isUnavailable = false;
  await write(10);
  await opened.ready();
  const check = await opened.projection.check();
  expect(check.tables[0]).toMatchObject({ table: 'invocations', rows: 60, isEqual: true });
});
