import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';
import { findLifeProblems } from '#test/support/log/folded-log.ts';
import type { LogWatch } from '#test/support/log/log-watch.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const typesOf = (log: LogWatch, id: string) => log.facts.get(id)?.map(({ type }) => type);
const handler = { kind: 'process', file, export: 'slowly' };

test('cancelling a running invocation ends it at once without a retry, and leaves its neighbours running', async ({ client, log }) => {
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
  expect(typesOf(log, victim)).toEqual(['queued', 'running', 'failed', 'notified']);
  for (const id of neighbours) expect(typesOf(log, id)).toEqual(['queued', 'running', 'succeeded', 'notified']);
  await expect(client.cancel(victim)).rejects.toThrow(`invocation ${victim} is over already`);
});

test('cancelling a handler that ignores the signal ends its process, and no other process of the function', async ({
  client,
  log,
  folder,
}) => {
  await client.functions.put({ name: 'deaf', handler: { ...handler, export: 'noted' }, concurrency: 3 });
  // Only two processes of a function start at one time. No neighbour may end before the third process has started.
  const gate = join(folder, 'gate');
  const events = [{ deaf: true }, { gate }, { gate }].map((event, index) => ({ ...event, file: join(folder, String(index)) }));
  const [victim, ...neighbours] = await client.invokeMany('deaf', events);
  const pids = await Promise.all(events.map(({ file: pidFile }) => pidIn(pidFile)));
  expect(new Set(pids).size).toBe(3);
  await client.cancel(victim?.requestId ?? '');
  await eventually(() => !isRunning(pids[0] ?? 0));
  writeFileSync(gate, '');
  // Each neighbour was running, and ends in the process that started it.
  const results = await Promise.all(neighbours.map((invoked) => invoked.result()));
  expect(results.map(({ value }) => value)).toEqual(pids.slice(1));
  await log.untilNotified(neighbours.map(({ requestId }) => requestId));
  for (const { requestId } of neighbours)
    expect(typesOf(log, requestId)).toEqual(expect.arrayContaining(['queued', 'running', 'succeeded']));
});

test('a queued invocation that is cancelled never runs, and its outcome is delivered like any other', async ({ client, log }) => {
  await client.functions.put({ name: 'queue', handler, concurrency: 1 });
  const [first, second] = [await client.invoke('queue', { ms: 60_000 }), await client.invoke('queue', { ms: 0 })];
  await log.until((fact) => fact.type === 'running' && fact.invocation === first.requestId);
  await client.cancel(second.requestId);
  const result = await client.result(second.requestId);
  // The slot becomes free only after the cancellation of the invocation that waits for it.
  await client.cancel(first.requestId);
  await log.untilNotified([first.requestId, second.requestId]);

  expect(result.outcome).toBe('failed');
  expect(typesOf(log, second.requestId)).toEqual(['queued', 'failed', 'notified']);
});

test('cancelling an invocation that waits for a retry ends it, and no attempt follows', async ({ client, log }) => {
  const policy = { maxRetries: 3, backoff: { initialInMs: 60_000, factor: 1, maxInMs: 60_000, jitter: 0 } };
  await client.functions.put({ name: 'waiting', handler: { kind: 'process', file, export: 'third' }, policy });
  const { requestId } = await client.invoke('waiting', {});
  await log.until((fact) => fact.type === 'retrying' && fact.invocation === requestId);
  await client.cancel(requestId);
  await log.untilNotified([requestId]);

  expect(typesOf(log, requestId)).toEqual(['queued', 'running', 'retrying', 'failed', 'notified']);
  expect(findLifeProblems(requestId, log.facts.get(requestId) ?? []), INVARIANT).toEqual([]);
});

test('cancelling recursively ends the invocation that a finished invocation led to', async ({ client, log }) => {
  await client.functions.put({ name: 'child', handler });
  const onSuccess = [{ destination: 'FunctionGraph', param: { func_urn: 'child' } }];
  await client.functions.put({ name: 'parent', handler, policy: { onSuccess } });
  await client.functions.put({ name: 'child', handler: { ...handler, export: 'forever' } });
  const { requestId } = await client.invoke('parent', {});
  const child = firstChildOf('parent', requestId);
  await log.until((fact) => fact.type === 'running' && fact.invocation === child);

  expect(await client.cancel(requestId, { recursive: true })).toEqual([child]);
  await log.untilNotified([child]);
  expect(typesOf(log, child)).toEqual(['queued', 'running', 'failed', 'notified']);
});

test('cancelling an id that the log does not know is refused, with the id in the message', async ({ client }) => {
  await expect(client.cancel('nobody')).rejects.toThrow('no invocation "nobody" is in the log');
  await expect(client.cancel('no.id')).rejects.toThrow('request id "no.id" must be');
});

async function eventually(condition: () => boolean, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`the condition did not hold within ${withinMs} ms: ${condition}`);
    await delay(20);
  }
}

async function pidIn(pidFile: string): Promise<number> {
  await eventually(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '');
  return Number(readFileSync(pidFile, 'utf8'));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
