import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { derivedId } from '#src/core/names/ids.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/sequent-process.ts';
import { findLifeProblems } from '#test/support/log/folded-log.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';

const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
let server: TestServer;
let sequent: SequentProcess;
let client: SequentClient;
let log: LogWatch;

beforeAll(async () => {
  server = await startTestServer();
  sequent = await startSequent([], { NATS_URL: server.url, SEQUENT_LEASE_MS: '1500', SEQUENT_PATIENCE_MS: '1500' });
  client = await connectClient({ servers: server.url });
  log = await watchLog(server.url);
});
afterAll(async () => {
  await log[Symbol.asyncDispose]();
  await client.close();
  await sequent[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const typesOf = (id: string) => log.facts.get(id)?.map(({ type }) => type);
const handler = { kind: 'process', file, export: 'slowly' };

test('cancelling what runs ends it at once, never retries it, and harms no neighbour', async () => {
  const policy = { maxRetries: 3, backoff: { initialInMs: 10, factor: 1, maxInMs: 10, jitter: 0 } };
  await client.functions.put({ name: 'running', handler, concurrency: 4, policy });
  const invoked = await client.invokeMany('running', [{ ms: 60_000 }, { ms: 400, i: 1 }, { ms: 400, i: 2 }]);
  const [victim = '', ...neighbours] = invoked.map(({ requestId }) => requestId);
  for (const { requestId } of invoked) await log.until((fact) => fact.type === 'running' && fact.invocation === requestId);
  expect(await client.cancel(victim, { reason: 'the order was withdrawn' })).toEqual([victim]);
  const result = await client.result(victim);
  await log.untilNotified([victim, ...neighbours]);

  expect(result.envelope.request_context.condition).toBe('InvocationCanceled');
  expect(result.envelope.response_context).toEqual({ status_code: 499, function_error: 'the order was withdrawn' });
  expect(log.facts.get(victim)?.at(-2)).toMatchObject({ type: 'failed', failure: { code: 4_208 } });
  expect(typesOf(victim)).toEqual(['queued', 'running', 'failed', 'notified']);
  for (const id of neighbours) expect(typesOf(id)).toEqual(['queued', 'running', 'succeeded', 'notified']);
  await expect(client.cancel(victim)).rejects.toThrow(`invocation ${victim} is over already`);
});

test('cancelling what does not listen ends its own process, and no other one of the function', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-cancel-'));
  await client.functions.put({ name: 'deaf', handler: { ...handler, export: 'noted' }, concurrency: 3 });
  const events = [{ deaf: true }, { ms: 4_000 }, { ms: 4_000 }].map((event, place) => ({ ...event, file: join(folder, String(place)) }));
  const [victim, ...neighbours] = await client.invokeMany('deaf', events);
  const pids = await Promise.all(events.map(({ file: noted }) => pidIn(noted)));
  expect(new Set(pids).size).toBe(3);
  await client.cancel(victim?.requestId ?? '');
  await eventually(() => !isRunning(pids[0] ?? 0));
  // They were in the middle of it, and end it in the process in which they began.
  const results = await Promise.all(neighbours.map((invoked) => invoked.result()));
  expect(results.map(({ value }) => value)).toEqual(pids.slice(1));
  await log.untilNotified(neighbours.map(({ requestId }) => requestId));
  for (const { requestId } of neighbours) expect(typesOf(requestId)).toEqual(expect.arrayContaining(['queued', 'running', 'succeeded']));
  await rm(folder, { recursive: true });
});

test('cancelling what is queued keeps it from ever running, and it is told like any outcome', async () => {
  await client.functions.put({ name: 'queue', handler, concurrency: 1 });
  const [first, second] = [await client.invoke('queue', { ms: 1_500 }), await client.invoke('queue', { ms: 0 })];
  await log.until((fact) => fact.type === 'running' && fact.invocation === first.requestId);
  await client.cancel(second.requestId);
  const result = await client.result(second.requestId);
  await log.untilNotified([first.requestId, second.requestId]);

  expect(result.outcome).toBe('failed');
  expect(typesOf(second.requestId)).toEqual(['queued', 'failed', 'notified']);
});

test('cancelling what waits for a retry ends it, and no attempt follows', async () => {
  const policy = { maxRetries: 3, backoff: { initialInMs: 60_000, factor: 1, maxInMs: 60_000, jitter: 0 } };
  await client.functions.put({ name: 'waiting', handler: { kind: 'process', file, export: 'third' }, policy });
  const { requestId } = await client.invoke('waiting', {});
  await log.until((fact) => fact.type === 'retrying' && fact.invocation === requestId);
  await client.cancel(requestId);
  await log.untilNotified([requestId]);

  expect(typesOf(requestId)).toEqual(['queued', 'running', 'retrying', 'failed', 'notified']);
  expect(findLifeProblems(requestId, log.facts.get(requestId) ?? [])).toEqual([]);
});

test('cancelling recursively ends what a finished invocation led to', async () => {
  await client.functions.put({ name: 'child', handler });
  const onSuccess = [{ destination: 'FunctionGraph', param: { func_urn: 'child' } }];
  await client.functions.put({ name: 'parent', handler, policy: { onSuccess } });
  await client.functions.put({ name: 'child', handler: { ...handler, export: 'forever' } });
  const { requestId } = await client.invoke('parent', {});
  const child = derivedId(`${requestId}/functiongraph-0`);
  await log.until((fact) => fact.type === 'running' && fact.invocation === child);

  expect(await client.cancel(requestId, { recursive: true })).toEqual([child]);
  await log.untilNotified([child]);
  expect(typesOf(child)).toEqual(['queued', 'running', 'failed', 'notified']);
});

test('cancelling what the log does not know says so', async () => {
  await expect(client.cancel('nobody')).rejects.toThrow('no invocation "nobody" is in the log');
  await expect(client.cancel('no.id')).rejects.toThrow('request id "no.id" must be');
});

async function eventually(condition: () => boolean, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`it did not happen within ${withinMs} ms: ${condition}`);
    await delay(20);
  }
}

async function pidIn(noted: string): Promise<number> {
  await eventually(() => existsSync(noted) && readFileSync(noted, 'utf8') !== '');
  return Number(readFileSync(noted, 'utf8'));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
