import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { Fact, FactOf } from '#machines/facts.ts';
import { termsOf } from '#src/core/functions/definition.ts';
import { type Append, NO_APPENDS, type StreamName, type StreamVersion } from '#src/core/log/event-log.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { openNatsPorts } from '#src/nats/ports.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { type Scheduler, startScheduler } from '#src/scheduler/scheduler.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';

/*
 * Two schedulers and no other role run here: no worker accepts an item. The tests show what the backstop does alone.
 */

const PATIENCE_IN_MS = 500;
const DELIVERY_AGE_IN_MS = 3_000;
let server: TestServer;
let log: LogWatch;
let registry: FunctionRegistry;
const schedulers: { scheduler: Scheduler; end(): Promise<void> }[] = [];

test.beforeAll(async ({ server: own }) => {
  server = own;
  for (const name of ['one', 'two']) schedulers.push(await openScheduler(name));
  log = await watchLog(server.url);
  registry = createFunctionRegistry(log.ports.functions);
});
test.afterAll(async () => {
  await log[Symbol.asyncDispose]();
  for (const { end } of schedulers) await end();
});

async function openScheduler(name: string) {
  const connection = await openConnection({ servers: server.url });
  const topology = { replicas: 1, resultsStorage: 'file', resultsMaxAgeInMs: 3_600_000 } as const;
  const ports = await openNatsPorts(connection, { topology, leaseInMs: 1_500 });
  const closing = new AbortController();
  const functions = await openFunctionDirectory(ports.functions, { signal: closing.signal });
  let appends = 0;
  const scheduler = await startScheduler({
    ...ports,
    name,
    tenancy: { region: 'local', project: 'default' },
    clock: systemClock,
    logger: silentLogger,
    appendId: () => `${name}-${appends++}`,
    functions,
    findFunction: createFunctionRegistry(ports.functions).get,
    deliveredUpTo: ports.queue.deliveredUpTo,
    patienceInMs: PATIENCE_IN_MS,
    maxDeliveryAgeInMs: DELIVERY_AGE_IN_MS,
  });
  const end = async (): Promise<void> => {
    await scheduler.stop();
    closing.abort();
    ports.close();
    await connection.close();
  };
  return { scheduler, end };
}

const policy = { maxRetries: 2, maxAgeInSeconds: 1, backoff: { initialInMs: 300, factor: 1, maxInMs: 300, jitter: 0 } };
/** No invocation with this policy becomes too old between two steps of a test. */
const patientPolicy = { ...policy, maxAgeInSeconds: 600 };

async function accept(name: string, delay: { deliverAt?: string } = {}): Promise<{ stream: StreamName; id: string; request: number }> {
  const stream = { function: parseFunctionName(name), stream: createStreamId(Date.now(), randomBytes(8)) };
  const { sequence } = await log.ports.log.accept(stream, [{ payload: '{}', ...delay }]);
  return { stream, id: stream.stream, request: sequence };
}

/** Appends as a worker would, with the wake times that follow. */
type RequestPosition = { stream: StreamName; request: number };

async function append(
  { stream, request }: RequestPosition,
  previous: StreamVersion,
  facts: Fact[],
  wakeTimes: object,
): Promise<StreamVersion> {
  const entry: Append = { id: randomBytes(8).toString('hex'), previous, request, by: 'a worker that is gone', facts };
  const stored = await log.ports.log.append(stream, entry, wakeTimes);
  if (stored === undefined) throw new Error('a conflict');
  return stored.version;
}

async function running(
  name: string,
): Promise<{ stream: StreamName; id: string; request: number; version: StreamVersion; fact: FactOf<'running'> }> {
  const fn = await registry.put({ name, handler: { kind: 'inline' }, policy: patientPolicy });
  const accepted = await accept(name);
  const at = Date.now();
  const fact: FactOf<'running'> = { type: 'running', invocation: accepted.id, at, attempt: 1, worker: 'gone', terms: termsOf(fn) };
  const version = await append(accepted, NO_APPENDS, [fact], { inProgressSince: at });
  return { ...accepted, version, fact };
}

const of = (id: string, type: Fact['type']) => (fact: Fact) => fact.invocation === id && fact.type === type;
const typesOf = (id: string) => log.facts.get(id)?.map(({ type }) => type);

test('a request without a worker fails with EventAgeExceeded when it becomes too old, not before', async () => {
  await registry.put({ name: 'untaken', handler: { kind: 'inline' }, policy });
  const { id } = await accept('untaken');
  const queued = await log.until(of(id, 'queued'));
  const failed = await log.until(of(id, 'failed'));
  await log.until(of(id, 'notified'));
  const ageInMs = failed.at - queued.at;
  process.stdout.write(`a request with a validity of 1,000 ms ended after ${ageInMs} ms\n`);

  expect(failed).toMatchObject({ condition: 'EventAgeExceeded', attempt: 0 });
  expect(ageInMs).toBeGreaterThanOrEqual(1_000);
  expect(ageInMs).toBeLessThan(10_000);
  expect(typesOf(id)).toEqual(['queued', 'failed', 'notified']);
});

test('a delayed request without a worker ends by its age, which counts from its due time, without a hint', async () => {
  await registry.put({ name: 'delayed', handler: { kind: 'inline' }, policy });
  const hinted: string[] = [];
  const hints = log.connection.nats.subscribe('wake.delayed', { callback: (_, { subject }) => void hinted.push(subject) });
  const { id } = await accept('delayed', { deliverAt: '+1500ms' });
  const queued = await log.until(of(id, 'queued'));
  const failed = await log.until(of(id, 'failed'));
  await log.until(of(id, 'notified'));
  hints.unsubscribe();

  expect(failed).toMatchObject({ condition: 'EventAgeExceeded', attempt: 0 });
  expect(failed.at - queued.at).toBeGreaterThanOrEqual(2_500);
  expect(hinted).toEqual([]);
});

test('a delayed request for a function that does not exist fails when it is due, not before', async () => {
  const { id } = await accept('ghost', { deliverAt: '+1500ms' });
  const queued = await log.until(of(id, 'queued'));
  const failed = await log.until(of(id, 'failed'));

  expect(failed).toMatchObject({ condition: 'FunctionNotFound' });
  expect(failed.at - queued.at).toBeGreaterThanOrEqual(1_500);
});

test('a request for a function that does not exist fails with FunctionNotFound, once', async () => {
  const { id } = await accept('ghost');
  await log.until(of(id, 'notified'));
  expect(log.facts.get(id)?.[1]).toMatchObject({ type: 'failed', condition: 'FunctionNotFound' });
  expect(typesOf(id)).toEqual(['queued', 'failed', 'notified']);
});

test('an outcome whose worker died before publishing is published, and then notified', async () => {
  const { id, version, ...request } = await running('unpublished');
  const published = log.connection.nats.subscribe('result.unpublished.succeeded', { max: 1 });
  const at = Date.now();
  await append(request, version, [{ type: 'succeeded', invocation: id, at, attempt: 1, payload: '"yes"' }], { inProgressSince: at });
  await log.until(of(id, 'notified'));
  const results: string[] = [];
  for await (const message of published) results.push(message.headers?.get('Request-Id') ?? '');

  expect(results).toEqual([id]);
  expect(typesOf(id)).toEqual(['queued', 'running', 'succeeded', 'notified']);
});

test('the result of a cancelled invocation with destinations is published, although its hint was lost', async () => {
  const { id, version, ...request } = await running('cancelled');
  const published = log.connection.nats.subscribe('result.cancelled.failed', { max: 1 });
  const at = Date.now();
  const failure = { kind: 'platform', errorType: 'InvocationCanceled', message: 'no', code: 4_208 } as const;
  const destinations = [{ id: 'd1', destination: 'FunctionGraph', param: '{}' }];
  const failed = { type: 'failed', invocation: id, at, attempt: 1, condition: 'InvocationCanceled', failure, destinations } as const;
  await append(request, version, [failed], { inProgressSince: at });
  const results: string[] = [];
  for await (const message of published) results.push(message.headers?.get('Request-Id') ?? '');

  expect(results).toEqual([id]);
  await log.until(of(id, 'notified'));
  expect(typesOf(id)).toEqual(['queued', 'running', 'failed', 'delivery.dead', 'notified']);
});

test('a retry is hinted at when it is due, and not earlier', async () => {
  const { id, version, ...request } = await running('due');
  const at = Date.now();
  const dueAt = at + 600;
  const failure = { kind: 'function', errorType: 'Error', message: 'no', code: 4_002 } as const;
  const hints = log.connection.nats.subscribe('wake.due');
  const retrying = await append(request, version, [{ type: 'retrying', invocation: id, at, attempt: 1, dueAt, failure }], {
    dueAt,
    endsAt: at + 600_000,
  });
  let hintedAt = 0;
  for await (const { headers } of hints) {
    // After the patience, the scheduler also hints at the attempt that runs before the retry.
    if (!headers?.get('Nats-Msg-Id').startsWith(`wake.${id}.${retrying}.`)) continue;
    hintedAt = Date.now();
    break;
  }
  hints.unsubscribe();
  process.stdout.write(`a retry was hinted at ${hintedAt - dueAt} ms after it was due\n`);

  expect(hintedAt).toBeGreaterThanOrEqual(dueAt);
});

test('a retry without a worker fails with EventAgeExceeded, and names the last attempt’s failure', async () => {
  const fn = await registry.put({ name: 'stuck', handler: { kind: 'inline' }, policy: patientPolicy });
  const { id, ...request } = await accept('stuck');
  const at = Date.now();
  const failure = { kind: 'function', errorType: 'Error', message: 'no luck', code: 4_002 } as const;
  const dueAt = at + 100;
  // One append fixes the short age and has the retry, so the invocation cannot become too old in between.
  const terms = { ...termsOf(fn), maxAgeInMs: 1_000 };
  const facts: Fact[] = [
    { type: 'running', invocation: id, at, attempt: 1, worker: 'gone', terms },
    { type: 'retrying', invocation: id, at, attempt: 1, dueAt, failure },
  ];
  await append(request, NO_APPENDS, facts, { dueAt, endsAt: at + 1_000 });
  const failed = await log.until(of(id, 'failed'));
  await log.until(of(id, 'notified'));

  expect(failed).toMatchObject({ condition: 'EventAgeExceeded', attempt: 1 });
  expect(failed.type === 'failed' && failed.failure.message).toMatch(/the last attempt failed: no luck/);
});

test('deliveries without a deliverer are dead once they are too old, and the result is published', async () => {
  const target = { destination: 'FunctionGraph', param: { func_urn: 'missing' } };
  await registry.put({ name: 'undeliverable', handler: { kind: 'inline' }, policy: { ...policy, onFailure: [target, target] } });
  const published = log.connection.nats.subscribe('result.undeliverable.failed', { max: 1 });
  const { id } = await accept('undeliverable');
  const failed = await log.until(of(id, 'failed'));
  for await (const message of published) expect(message.headers?.get('Request-Id')).toBe(id);
  const notified = await log.until(of(id, 'notified'));
  const dead = (log.facts.get(id) ?? []).filter((fact) => fact.type === 'delivery.dead');
  process.stdout.write(`deliveries with an age of ${DELIVERY_AGE_IN_MS} ms ended ${(dead[0]?.at ?? 0) - failed.at} ms after the outcome\n`);

  expect(typesOf(id)).toEqual(['queued', 'failed', 'delivery.dead', 'delivery.dead', 'notified']);
  expect(dead.map(({ destination, try: tries, reason }) => [destination, tries, reason])).toEqual([
    ['functiongraph-0', 0, 'too old after 0 tries'],
    ['functiongraph-1', 0, 'too old after 0 tries'],
  ]);
  expect(dead[0]?.at).toBeGreaterThanOrEqual(failed.at + DELIVERY_AGE_IN_MS);
  expect(notified.at - failed.at).toBeLessThan(DELIVERY_AGE_IN_MS + 8_000);
});

test('every fact here was appended once, although two schedulers run', async () => {
  const settled = [...log.facts.values()].filter((facts) => facts.some(({ type }) => type === 'notified'));
  expect(settled.length).toBeGreaterThanOrEqual(4);
  for (const facts of settled) {
    expect(facts.filter(({ type }) => type === 'succeeded' || type === 'failed')).toHaveLength(1);
    expect(facts.filter(({ type }) => type === 'notified')).toHaveLength(1);
  }
});
