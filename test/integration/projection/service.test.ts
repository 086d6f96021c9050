import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestStrategy } from 'nats';
import { describe, expect, vi } from 'vitest';
import { type ClientHistory, createClientHistory } from '#src/client/history/history.ts';
import { questions } from '#src/core/history-questions.ts';
import { createNatsHistory, HISTORY_SERVICE, serveHistory } from '#src/nats/questions/history-service.ts';
import { reach } from '#src/projection/reach.ts';
import { roundLength } from '#src/projection/stats/tallies.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';
import { type OpenedProjection, openProjectionOn } from '#test/support/projection/opened-projection.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

// A server of its own, because the log of the shared server holds the messages of other tests.

let server: TestServer;
let nats: OpenedNats;
let opened: OpenedProjection;
let history: ClientHistory;
let stop: () => Promise<void>;

test.beforeAll(async ({ server: own }) => {
  server = own;
  nats = await openNats(server.url);
  await writeLog(nats.connection, 120);
  opened = await openProjectionOn(server.url, await mkdtemp(join(server.dataDir, 'projection-')));
  await opened.ready();
  stop = await serveHistory(opened.connection, {
    answers: opened.answers,
    instance: 'p-test',
    version: '0.1.0',
    project: 'default',
    reach: (sequence) => reach(opened.projection, sequence, { sleep: async () => {} }),
  });
  history = createClientHistory(createNatsHistory(nats.connection));
});
test.afterAll(async () => {
  await stop();
  await opened[Symbol.asyncDispose]();
  await nats[Symbol.asyncDispose]();
});

describe('the service', () => {
  test('is found by the service discovery of NATS, with JSON Schemas of requests and responses', async () => {
    const { nats: connection } = nats.connection;
    const asking = connection.services.client({ strategy: RequestStrategy.Timer, maxWait: 500 });
    // The server answers 503 until it has the subscriptions of the service.
    const infos = await vi.waitFor(
      async () => {
        const found = [];
        for await (const info of await asking.info(HISTORY_SERVICE)) found.push(info);
        expect(found).toHaveLength(1);
        return found;
      },
      { timeout: 20_000 },
    );
    const endpoints = new Map(infos[0]?.endpoints?.map((endpoint) => [endpoint.subject, endpoint.metadata]));
    for (const name of Object.keys(questions)) {
      const metadata = endpoints.get(`history.${name}`) ?? endpoints.get(`history.${name}.p-test`);
      expect(JSON.parse(metadata?.request ?? '{}')).toMatchObject({ type: 'object' });
      expect(JSON.parse(metadata?.response ?? '{}')).toMatchObject({ type: 'object' });
    }
    // An answer that comes late counts as none.
    await expect.poll(() => history.instances()).toEqual(['p-test']);
  });

  test('refuses a question that needs more of the log than the read model covers', async () => {
    const last = opened.projection.sequence;
    expect((await history.list({ limit: 1 }, { atLeast: last })).invocations).toHaveLength(1);
    const missing = history.list({ limit: 1 }, { atLeast: last + 3 });
    await expect(missing).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE', isBehind: true });
    await expect(missing).rejects.toThrow('3 messages behind the log');
  });

  test('refuses malformed questions, and answers the next one', async () => {
    const { nats: connection } = nats.connection;
    for (const hostile of [
      '{',
      '[]',
      '"x"',
      '{"limit":0}',
      '{"state":["asleep"]}',
      '{"nothing":1}',
      '{"cursor":"1; DROP TABLE"}',
      '{"text":"!!"}',
    ]) {
      const reply = await connection.request('history.list', hostile);
      expect([hostile, reply.headers?.get('Nats-Service-Error-Code')]).toEqual([hostile, '400']);
    }
    await expect(history.get('no-such-id')).rejects.toMatchObject({ code: 'INVOCATION_NOT_FOUND' });
    await expect(history.get('a b')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    for (const text of ['"a', 'x" OR "y', '* OR *', 'a NEAR b', 'payload : x', "x' OR 1=1 --", 'a*b*']) await history.list({ text });
    expect((await history.list({ limit: 1 })).invocations).toHaveLength(1);
  });

  test('reports that the history is unavailable when no projection runs', async () => {
    await using empty = await startTestServer();
    await using elsewhere = await openNats(empty.url);
    expect(await createNatsHistory(elsewhere.connection).instances()).toEqual([]);
    await expect(createNatsHistory(nats.connection).ask('status', {}, { instance: 'p-other' })).rejects.toMatchObject({
      code: 'HISTORY_UNAVAILABLE',
    });
  });
});

describe('the client library', () => {
  test('lists all pages, gets, reads the timeline, counts, and checks', async () => {
    const all = [];
    for await (const one of history.all({ limit: 50 })) all.push(one);
    expect(new Set(all.map(({ id }) => id)).size).toBe(120);
    const failed = all.filter(({ condition }) => condition !== null);
    expect((await history.list({ status: ['FAIL'] })).invocations.map(({ id }) => id)).toEqual(failed.map(({ id }) => id));
    const [one] = all;
    const detail = await history.get(one?.id ?? '');
    expect(JSON.parse(detail.payload)).toMatchObject({ note: 'please pack it well' });
    const { transitions } = await history.timeline(detail.id);
    expect(transitions.map(({ fact }) => fact.type)).toEqual(['queued', 'running', expect.stringMatching(/succeeded|failed/), 'notified']);
    const rows = await history.stats();
    expect(rows.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(120);
    expect(rows.flatMap(({ byCondition }) => Object.values(byCondition)).reduce((sum, count) => sum + count, 0)).toBe(failed.length);
    const orders = all.filter(({ function: name }) => name === 'orders');
    expect(rows.find(({ function: name }) => name === 'orders')).toMatchObject({
      durationInMs: percentilesOf(orders.map(({ durationInMs }) => durationInMs ?? 0)),
      queueInMs: percentilesOf(orders.flatMap(({ acceptedAt, startedAt }) => (startedAt === null ? [] : [startedAt - acceptedAt]))),
    });
    expect(await history.check('p-test')).toMatchObject({ instance: 'p-test', isEqual: true });
    expect(await history.problems()).toEqual([]);
    expect((await history.deadLetters()).deadLetters).toEqual([]);
  });

  test('asks about an earlier moment: a sequence, or a time of the log', async () => {
    const { sequence } = await history.status();
    const [newest] = (await history.list({ limit: 1 })).invocations;
    const { transitions } = await history.timeline(newest?.id ?? '');
    const [accepted, started] = transitions;
    const moment = { sequence: accepted?.sequence ?? 0 };
    expect(transitions.map(({ state }) => state)).toEqual(['queued', 'running', expect.stringMatching(/succeeded|failed/), 'notified']);
    expect((await history.get(newest?.id ?? '', { moment })).state).toBe('queued');
    expect((await history.timeline(newest?.id ?? '', { moment })).transitions).toHaveLength(1);
    expect((await history.get(newest?.id ?? '', { moment: { sequence: started?.sequence ?? 0 } })).state).toBe('running');
    const before = { moment: { sequence: moment.sequence - 1 } };
    await expect(history.get(newest?.id ?? '', before)).rejects.toMatchObject({ code: 'INVOCATION_NOT_FOUND' });
    await expect(history.list({ moment: { sequence: sequence + 1 } })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const open = await history.list({ moment, state: ['queued', 'running'], limit: 500 });
    expect(open.invocations.map(({ id }) => id)).toContain(newest?.id);
    const rows = await history.stats({ moment });
    expect(rows.reduce((sum, { byState }) => sum + (byState.queued ?? 0) + (byState.running ?? 0), 0)).toBe(open.invocations.length);
    expect(await history.count({ moment: { at: 0 } })).toEqual({ count: 0, isAtLeast: false });
    expect(await history.count({ moment: { at: Date.now() } })).toEqual({ count: 120, isAtLeast: false });
  });
});

function percentilesOf(lengths: number[]): object {
  // Statistics have lengths of seven binary digits, which a slow machine exceeds.
  const sorted = lengths.map(roundLength).sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1];
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1) };
}
