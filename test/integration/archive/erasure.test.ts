import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { projectionKey } from '#src/archive/retention/reader-positions.ts';
import { createBulkStore } from '#src/core/bulk/bulk-operation.ts';
import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { findSqlite } from '#src/projection/store/sqlite.ts';
import { filesWith } from '#test/support/archive/files-with.ts';
import { type OpenedJanitor, openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { openProjectionOn } from '#test/support/projection/opened-projection.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

let server: TestServer;
let root: string;
let folder: string;
let archive: string;

// A server of its own, because a test stops it and searches its files.
test.beforeAll(async ({ server: own }) => {
  server = own;
  root = await mkdtemp(join(tmpdir(), 'sequent-erasure-'));
  folder = join(root, 'projection');
  archive = join(root, 'archive');
});
test.afterAll(() => rm(root, { recursive: true }));

async function requestErasure(
  opened: OpenedJanitor,
  fn: string,
  { isTrial = false, before = Date.now() + 1_000 } = {},
): Promise<ErasureRecord> {
  const id = randomBytes(6).toString('hex');
  const record: ErasureRecord = { state: 'asked', request: { function: fn, before, by: 'a test', at: Date.now(), isTrial } };
  await opened.nats.ports.state.put(erasureKey(id), JSON.stringify(record));
  await opened.janitor.work();
  const found = parseErasureRecord((await opened.nats.ports.state.get(erasureKey(id)))?.value);
  if (found === undefined) throw new Error('no record');
  return found;
}

const SECRET = 'qzxwjaneroe4711';

/** Runs one invocation without a worker, with a secret in the payload, the response, a hint and the result. */
async function runInvocation(fn: string, id: string, outcome: 'succeeded' | 'running'): Promise<void> {
  await using nats = await openNats(server.url);
  const { log, hints, results } = nats.ports;
  const name = { function: fn as FunctionName, stream: id as StreamId };
  const { sequence } = await log.accept(name, [{ id: id as RequestId, payload: `{"who":"${SECRET}"}` }]);
  const state = await loadStream(log, name, sequence);
  if (state === undefined) throw new Error('the request was not accepted');
  let appends = 0;
  const writer = new StreamWriter({ log, state, by: 'w', appendId: () => `${id}-${appends++}`, clock: systemClock });
  const terms = {
    revision: 1,
    timeoutInMs: 3_000,
    maxRetries: 1,
    maxAgeInMs: 3_600_000,
    backoff: { initialInMs: 1_000, factor: 2, maxInMs: 60_000, jitter: 0.2 },
  };
  await writer.propose(id, [{ type: 'running', invocation: id, at: Date.now(), attempt: 1, worker: 'w', terms }]);
  if (outcome === 'running') return;
  await writer.propose(id, [{ type: 'succeeded', invocation: id, at: Date.now(), attempt: 1, payload: `"${SECRET}"` }]);
  hints.deliver(name, sequence, `${id}-hint`, writer.state);
  await results.publish(name, id as RequestId, 'succeeded', JSON.stringify({ secret: SECRET }));
  await writer.propose(id, [{ type: 'notified', invocation: id, at: Date.now() }]);
  await nats.connection.nats.flush();
}

/** Erases while another connection reads the tables, as a check does. The journal is truncated after that connection ends. */
async function eraseDuringRead(erase: () => Promise<unknown>, secret: string): Promise<void> {
  await using opened = await openProjectionOn(server.url, folder, { archive });
  await opened.ready();
  const reader = (await findSqlite())((await opened.projection.status()).file);
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM appends').all();
  await erase();
  await opened.ready();
  expect(await filesWith(secret, folder)).not.toEqual([]);
  reader.exec('ROLLBACK');
  reader.close();
  await vi.waitFor(async () => expect(await filesWith(secret, folder)).toEqual([]), { timeout: 30_000 });
}

async function hashes(): Promise<{ live: string[]; rows: number[] }> {
  await using opened = await openProjectionOn(server.url, folder, { archive });
  await opened.ready();
  expect(opened.warnings).toEqual([]);
  const { tables, isEqual } = await opened.projection.check();
  expect(tables.filter((table) => !table.isEqual)).toEqual([]);
  expect(isEqual).toBe(true);
  return { live: tables.map(({ live: hash }) => hash), rows: tables.map(({ rows }) => rows) };
}

/** The erased messages of all segments. */
async function countMarks({ archive: files, log }: OpenedJanitor): Promise<number> {
  const segments = await files.segments((await log.state()).created);
  const described = await Promise.all(segments.map((segment) => files.describe(segment)));
  return described.reduce((sum, { erased }) => sum + erased, 0);
}

describe('an erasure', () => {
  test('overwrites every message before the message leaves the log, also when no invocation is open', async () => {
    await runInvocation('patients', 'closed-1', 'succeeded');
    await using opened = await openJanitorOn(server.url, archive);
    expect(await filesWith(SECRET, server.dataDir)).not.toEqual([]);
    expect(await requestErasure(opened, 'patients')).toMatchObject({ state: 'done', found: { invocations: 1 } });
    expect(await filesWith(SECRET, server.dataDir, archive)).toEqual([]);
    // The erased messages left the log. The archive holds the record of the erasure.
    const { messages, last } = await opened.log.state();
    expect({ messages, archived: (await opened.head())?.last }).toEqual({ messages: 0, archived: last });
  });

  test('keeps every message in the log until each projection has performed the erasure', async () => {
    await runInvocation('patients', 'awaited-1', 'succeeded');
    await using opened = await openJanitorOn(server.url, archive);
    const { state } = opened.nats.ports;
    const key = projectionKey('a-test');
    const { last, messages } = await opened.log.state();
    // The projection has read everything but the erasure.
    await state.put(key, JSON.stringify({ sequence: last, at: Date.now() }));
    expect(await requestErasure(opened, 'patients')).toMatchObject({ state: 'written' });
    expect((await opened.log.state()).messages).toBe(messages + 1);
    // The next round appends the record that names the erased messages, which the projection reads, too.
    await state.put(key, JSON.stringify({ sequence: last + 2, at: Date.now() }));
    await opened.janitor.work();
    await state.delete(key);
    expect(await filesWith(SECRET, server.dataDir, archive)).toEqual([]);
  });

  test('removes payloads from log, archive, results and read model, reports that, and keeps all else', async () => {
    await runInvocation('patients', 'old-1', 'succeeded');
    await writeLog((await openNats(server.url)).connection, 800);
    await using opened = await openJanitorOn(server.url, archive, { retention: { maxInvocations: 200 }, maxRemovable: 0 });
    await opened.janitor.work();
    const marksBefore = await countMarks(opened);
    await runInvocation('patients', 'new-1', 'succeeded');
    await runInvocation('patients', 'open-1', 'running');
    await runInvocation('others', 'other-1', 'succeeded');
    await using projection = await openProjectionOn(server.url, folder, { archive });
    await projection.ready();
    expect((await projection.answers.list({ function: 'patients', limit: 10 })).invocations.map(({ id }) => id)).toEqual([
      'open-1',
      'new-1',
      'old-1',
    ]);

    const trial = await requestErasure(opened, 'patients', { isTrial: true });
    expect(trial).toMatchObject({ state: 'done', found: { invocations: 2, messages: 8 } });
    expect((await projection.answers.list({ function: 'patients', limit: 10 })).invocations).toHaveLength(3);

    const done = await requestErasure(opened, 'patients');
    expect(done).toMatchObject({ state: 'done', found: { invocations: 2, messages: 8 }, erased: { messages: 8, segments: 2, results: 2 } });
    await projection.ready();
    // Unfinished invocations and those of other functions stay.
    expect((await projection.answers.list({ function: 'patients', limit: 10 })).invocations.map(({ id }) => id)).toEqual(['open-1']);
    expect((await projection.answers.list({ text: SECRET, limit: 10 })).invocations.map(({ id }) => id)).toEqual(['other-1', 'open-1']);
    await projection[Symbol.asyncDispose]();

    const before = await hashes();
    await rm(folder, { recursive: true });
    expect(await hashes()).toEqual(before);
    expect(await opened.whole.missing()).toBe(0);
    expect((await countMarks(opened)) - marksBefore).toBe(8);
    // A second erasure finds nothing.
    expect(await requestErasure(opened, 'patients')).toMatchObject({ state: 'done', found: { invocations: 0 } });
  });

  test('leaves no trace on any disk', async () => {
    const traces = ['log', 'archive'];
    await runInvocation('secret-keepers', 'secret-1', 'succeeded');
    const token = 'kqjvanothersecret99';
    await using nats = await openNats(server.url);
    const { log, results } = nats.ports;
    const name = { function: 'forgetful' as FunctionName, stream: 'f-1' as StreamId };
    const { sequence } = await log.accept(name, [{ id: 'f-1' as RequestId, payload: `"${token}"` }]);
    const state = await loadStream(log, name, sequence);
    if (state === undefined) throw new Error('the request was not accepted');
    const writer = new StreamWriter({ log, state, by: 'w', appendId: () => `f-${Math.random()}`, clock: systemClock });
    const failure = { kind: 'function', errorType: 'Error', message: token, code: 4_001 } as const;
    await writer.propose('f-1', [
      { type: 'failed', invocation: 'f-1', at: Date.now(), attempt: 0, condition: 'InvocationCanceled', failure },
      { type: 'notified', invocation: 'f-1', at: Date.now() },
    ]);
    await results.publish(name, 'f-1' as RequestId, 'failed', `"${token}"`);
    await hashes();
    await using opened = await openJanitorOn(server.url, archive);
    await eraseDuringRead(() => requestErasure(opened, 'forgetful'), token);
    await hashes();
    await opened[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
    await server.end();
    expect(await filesWith(token, server.dataDir, folder, archive)).toEqual([]);
    // The search itself works: it finds the other secret.
    expect((await filesWith(SECRET, server.dataDir, folder, archive)).length).toBeGreaterThanOrEqual(traces.length);
    await server.restart();
  });
});

describe('the purge of a function', () => {
  test('that is aborted while the janitor searches is not in the log, and erases nothing', async () => {
    await runInvocation('aborted', 'kept-1', 'succeeded');
    await using nats = await openNats(server.url);
    const { state, clock } = nats.ports;
    const bulks = createBulkStore(state, clock);
    const { id } = await bulks.purge({ function: 'aborted', before: Date.now() + 60_000, by: 'ann' });
    let aborts = 0;
    // The janitor has searched, and the abort comes right before its decision.
    const put: typeof state.put = async (key, value, expected) => {
      if (key === erasureKey(id) && aborts++ === 0) await bulks.abort(id, 'ben');
      return await state.put(key, value, expected);
    };
    const appended: string[] = [];
    await using opened = await openJanitorOn(server.url, archive, {
      state: { ...state, put },
      wrapPurge: (purge) => ({
        ...purge,
        async appendErasure(erasure, part) {
          appended.push(erasure.id);
          return await purge.appendErasure(erasure, part);
        },
      }),
    });
    await opened.janitor.work();
    await opened.janitor.work();
    expect([aborts, appended, opened.problems]).toEqual([1, [], []]);
    expect((await bulks.get(id))?.operation).toMatchObject({ state: 'aborted', abortBy: 'ben' });
  });

  test('that the log is about to get cannot be aborted', async () => {
    await runInvocation('decided', 'gone-1', 'succeeded');
    await using nats = await openNats(server.url);
    const bulks = createBulkStore(nats.ports.state, nats.ports.clock);
    const { id } = await bulks.purge({ function: 'decided', before: Date.now() + 60_000, by: 'ann' });
    const refusals: string[] = [];
    await using opened = await openJanitorOn(server.url, archive, {
      wrapPurge: (purge) => ({
        ...purge,
        async appendErasure(erasure, part) {
          if (part === undefined) await bulks.abort(id, 'ben').catch((error: Error) => refusals.push(error.message));
          return await purge.appendErasure(erasure, part);
        },
      }),
    });
    await opened.janitor.work();
    expect(refusals).toEqual([expect.stringContaining('must be finished everywhere')]);
    expect((await bulks.get(id))?.operation).toMatchObject({ state: 'done', done: 1 });
  });
});
