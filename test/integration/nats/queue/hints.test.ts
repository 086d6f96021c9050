import { headers } from 'nats';
import { expect } from 'vitest';
import type { StreamVersion } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { foldAppends, initialState, type StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { inlineStateOf } from '#src/nats/wire/inline-state.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { queued, running, succeeded } from '#test/support/log/facts.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

// Not the shared server, because one consumer receives all hints.
let server: TestServer;
let worker: OpenedNats;
let deliverer: OpenedNats;
const items: WorkItem[] = [];
const stop = new AbortController();
test.beforeAll(async ({ server: own }) => {
  server = own;
  worker = await openNats(server.url);
  deliverer = await openNats(server.url);
  deliverer.ports.queue.run({
    source: { kind: 'deliveries' },
    signal: stop.signal,
    demand: () => 100,
    onItem(item) {
      items.push(item);
      item.ack();
    },
  });
});
test.afterAll(async () => {
  stop.abort();
  await worker[Symbol.asyncDispose]();
  await deliverer[Symbol.asyncDispose]();
});

const fn = 'orders' as FunctionName;
const subject = subjects.deliver(fn);

function streamOf(stream: string): StreamState {
  const name = { function: fn, stream: stream as StreamId };
  const initial = initialState({
    name,
    sequence: 7,
    at: 5,
    hash: 'root',
    requests: [{ fact: { ...queued(), invocation: stream }, payload: '{}' }],
  });
  const facts = [running(1), succeeded(1)].map((fact) => ({ ...fact, invocation: stream }));
  return foldAppends(initial, [
    { id: 'x', previous: 0 as StreamVersion, request: 7, by: 'w', facts, version: 9 as StreamVersion, hash: 'own' },
  ]);
}

async function received(stream: string): Promise<WorkItem> {
  return await expect
    .poll(() => items.find(({ name }) => name.stream === stream), { timeout: 10_000 })
    .toBeDefined()
    .then(() => items.find(({ name }) => name.stream === stream) as WorkItem);
}

/** Both processes read the key with their first hint; those until then carry no state, and are hints all the same. */
async function deliverSigned(): Promise<string> {
  for (let count = 0; count < 100; count++) {
    const stream = `signed-${count}`;
    const state = streamOf(stream);
    worker.ports.hints.deliver(state.name, 7, stream, state);
    if ((await received(stream)).state !== undefined) return stream;
  }
  throw new Error('no hint brought a state');
}

test('a hint of a worker carries the state of the stream to another process', async () => {
  const stream = await deliverSigned();
  expect((await received(stream)).state).toMatchObject({ version: 9, request: { sequence: 7 } });
});

test('a state without a valid signature is ignored: the hint is delivered, and the log is read', async () => {
  const signed = await deliverSigned();
  const manager = await worker.connection.nats.jetstreamManager();
  const stored = await manager.streams.getMessage('INVOCATIONS', { last_by_subj: subject });
  const signature = stored.header.get('Hint-Signature');
  expect(signature).not.toBe('');
  const publish = (hint: string, given: string | undefined, id: string): void => {
    const found = headers();
    found.set('Nats-Msg-Id', id);
    if (given !== undefined) found.set('Hint-Signature', given);
    worker.connection.nats.publish(subject, hint, { headers: found });
  };
  const forged = (stream: string): string => JSON.stringify({ stream, request: 7, known: inlineStateOf(streamOf(stream)) });
  publish(forged('unsigned'), undefined, 'a');
  publish(forged('signed-by-nobody'), 'AAAA', 'b');
  publish(forged('signed-for-another'), signature, 'c');
  for (const stream of ['unsigned', 'signed-by-nobody', 'signed-for-another']) {
    expect(await received(stream)).toMatchObject({ request: 7, name: { stream } });
    expect((await received(stream)).state).toBeUndefined();
  }
  expect((await received(signed)).state).toBeDefined();
});

test('a hint without a state is delivered once, and is not terminated', async () => {
  const { name } = streamOf('stateless');
  worker.ports.hints.deliver(name, 7, 'stateless');
  const item = await received('stateless');
  expect(item).toMatchObject({ request: 7, name, mayHaveState: false, isFirstDelivery: false });
  expect(item.state).toBeUndefined();
  expect(items.filter(({ name: { stream } }) => stream === 'stateless')).toHaveLength(1);
});
