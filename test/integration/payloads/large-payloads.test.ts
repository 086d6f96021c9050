import { createHash } from 'node:crypto';
import { describe, expect, vi } from 'vitest';
import { explain } from '#src/analysis/explain/explain.ts';
import { connectClient, defineFunction, startWorker } from '#src/client/client.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';
import { createLargePayloads } from '#src/core/payloads/large-payloads.ts';
import { createFetchingLayer } from '#src/hosts/around/fetching-layer.ts';
import { surroundHost } from '#src/hosts/around/layers.ts';
import { returned } from '#src/hosts/failures.ts';
import { PAYLOADS_STREAM } from '#src/nats/wire/topology.ts';
import { runCliOn } from '#test/support/cli/cli.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { executionOf, neverAborted, processFunction } from '#test/support/hosts/executions.ts';
import { eventOf } from '#test/support/payloads/large-event.ts';
import { newId, startScheduler, storedIds, WAITING } from '#test/support/payloads/payload-store-tests.ts';

const MB = 1_024 ** 2;
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The handler answers with the hash of its event, so that each byte counts. */
const importer = defineFunction({
  name: 'import',
  maxPayloadBytes: 16 * MB,
  policy: { maxRetries: 0, maxAgeInSeconds: 600 },
  handler: (event: unknown) => ({ hash: hashOf(JSON.stringify(event)) }),
});
const small = defineFunction({ name: 'small', handler: () => 'ran' });

describe('an event above 256 KB', () => {
  test('reaches the handler as it was sent, and the log has a reference to it', async ({ server, nats }) => {
    await using _worker = await startWorker({ servers: server.url, functions: [importer] });
    await using client = await connectClient({ servers: server.url });
    const [brought, made] = [newId(), eventOf(3 * MB)];
    const byId = await client.invokeText('import', made, { id: brought });
    const others = await client.invokeMany(importer, [{ text: 'é'.repeat(300_000) }, { text: 'small' }]);
    expect(await byId.result()).toMatchObject({ outcome: 'succeeded', value: { hash: hashOf(made) } });
    for (const [index, event] of [{ text: 'é'.repeat(300_000) }, { text: 'small' }].entries())
      expect((await others[index]?.result())?.value).toEqual({ hash: hashOf(JSON.stringify(event)) });

    const timeline = await client.timeline(brought, { function: 'import' });
    expect(timeline.requestPayload).toMatch(/^stored:1\.3145728\.[\w-]{43}$/);
    expect((await client.requestPayload(timeline)) === made).toBe(true);
    expect(timeline.envelope?.request_payload).toBe('');
    const once = newId();
    await client.invokeOnce('import', made, { id: once });
    const repeated = await client.invokeOnce('import', made, { id: once });
    expect(repeated.earlier?.payload === made).toBe(true);
    expect((await storedIds(nats)).filter((id) => id === once)).toHaveLength(1);
  });

  test('is refused by a function without the setting, above its maximum, and without the registry', async ({ server, nats }) => {
    await using _worker = await startWorker({ servers: server.url, functions: [importer, small] });
    await using client = await connectClient({ servers: server.url });
    const before = [await nats.ports.log.lastSequence(), await storedIds(nats)];
    await expect(client.invokeText('small', eventOf(262_146))).rejects.toThrow('has 262146 bytes; at most 262144 are accepted');
    await expect(client.invokeText('import', eventOf(16 * MB + 2))).rejects.toThrow('at most 16777216 are accepted');
    await using plain = await connectClient({ servers: server.url, jetstreamApi: 'unused' });
    await expect(plain.invokeText('import', eventOf(262_146))).rejects.toThrow('at most 262144 are accepted');
    expect([await nats.ports.log.lastSequence(), await storedIds(nats)]).toEqual(before);
  });

  test('that the store cannot take is refused as a whole', async ({ server, nats }) => {
    await using _worker = await startWorker({ servers: server.url, functions: [importer] });
    await using client = await connectClient({ servers: server.url });
    const { manager } = nats.connection;
    const { state } = await manager.streams.info(PAYLOADS_STREAM);
    await manager.streams.update(PAYLOADS_STREAM, { max_bytes: state.bytes + MB });
    const before = await nats.ports.log.lastSequence();
    const id = newId();
    await expect(client.invokeText('import', eventOf(2 * MB), { id })).rejects.toMatchObject({ code: 'LOG_FULL', retryable: true });
    expect(await nats.ports.log.lastSequence()).toBe(before);
    expect(await storedIds(nats)).not.toContain(id);
    await manager.streams.update(PAYLOADS_STREAM, { max_bytes: -1 });
    const invoked = await client.invokeText('import', eventOf(2 * MB), { id });
    expect(await invoked.result()).toMatchObject({ outcome: 'succeeded' });
  });

  test('that is damaged fails the attempt as the platform, which explain says, and runs once it is whole', { timeout: 90_000 }, async ({
    server,
    nats,
  }) => {
    await using _scheduler = await startScheduler(server.url);
    await using client = await connectClient({ servers: server.url });
    const [id, event] = [newId(), eventOf(MB)];
    await client.functions.put({ ...importer.options, name: 'import', handler: { kind: 'inline' } });
    const invoked = await client.invokeText('import', event, { id });
    const [stored] = (await nats.ports.payloadRemoval.list()).filter(({ owner }) => owner?.invocation === id);
    if (stored === undefined) throw new Error('the object is not stored');
    await nats.ports.payloadRemoval.removeParts(stored.parts);
    await using _worker = await startWorker({ servers: server.url, functions: [importer] });
    const failure = { kind: 'platform', errorType: 'PayloadUnavailable', message: expect.stringContaining('its object is damaged') };
    await vi.waitFor(async () => {
      const { transitions } = await client.timeline(id, { function: 'import' });
      expect(transitions.map(({ fact }) => fact)).toContainEqual(
        expect.objectContaining({ type: 'retrying', failure: expect.objectContaining(failure) }),
      );
    }, WAITING);
    const told = explain(await client.timeline(id, { function: 'import' }), Date.now());
    expect(JSON.stringify(told)).toMatch(/its object is damaged.*restore the object store of the large payloads/s);
    await nats.ports.payloadRemoval.remove(stored);
    await nats.ports.payloadStore.put({ function: 'import', invocation: id }, Buffer.from(event));
    expect(await invoked.result()).toMatchObject({ outcome: 'succeeded', value: { hash: hashOf(event) } });
  });

  test('is copied by a redrive, which does not need the first object afterwards', async ({ server, nats }) => {
    await using _worker = await startWorker({ servers: server.url, functions: [importer] });
    await using client = await connectClient({ servers: server.url });
    const [id, event] = [newId(), eventOf(MB)];
    await (await client.invokeText('import', event, { id })).result();
    const again = await client.repair.redrive(id, { function: 'import' });
    for (const payload of await nats.ports.payloadRemoval.list())
      if (payload.owner?.invocation === id) await nats.ports.payloadRemoval.remove(payload);
    expect(await client.result(again, { function: 'import' })).toMatchObject({ value: { hash: hashOf(event) } });
    expect(await client.requestPayload(await client.timeline(again, { function: 'import' }))).toBe(event);
    await expect(client.repair.redrive(id, { function: 'import' })).rejects.toMatchObject({ code: 'PAYLOAD_UNAVAILABLE' });
  });
});

describe('a returned value above 256 KB', () => {
  const text = 'u'.repeat(800_000);
  const grow = defineFunction({
    name: 'grow',
    maxPayloadBytes: 2 * MB,
    handler: ({ size }: { size: number }) => ({ text: text.slice(0, size) }),
  });
  const dropping = defineFunction({ name: 'dropping', handler: () => ({ text }) });

  test('is in the result of a function with the setting, and in no envelope', async ({ server, nats }) => {
    await using _worker = await startWorker({ servers: server.url, functions: [grow] });
    await using client = await connectClient({ servers: server.url });
    const invoked = await client.invoke(grow, { size: 800_000 });
    const result = await invoked.result();
    expect(result.envelope).toMatchObject({ response_payload: '', response_context: { status_code: 200 } });
    expect((result.value as { text: string }).text === text).toBe(true);
    const timeline = await client.timeline(invoked.requestId, { function: 'grow' });
    const bytes = Buffer.byteLength(JSON.stringify({ text }));
    const success = {
      type: 'succeeded',
      payload: '',
      droppedBytes: bytes,
      stored: expect.stringMatching(new RegExp(`^stored:1\\.${bytes}\\.`)),
    };
    expect(timeline.transitions.map(({ fact }) => fact)).toContainEqual(expect.objectContaining(success));
    expect((await client.responsePayload(timeline)) === JSON.stringify({ text })).toBe(true);
    expect(((await client.result(invoked.requestId)).value as { text: string }).text === text).toBe(true);
    const run = await runCliOn(server.url, ['result', invoked.requestId, '--function', 'grow', '--timeout', '0']);
    expect([run.code, run.stdout === `${JSON.stringify({ text })}\n`]).toEqual([0, true]);
    expect(await storedIds(nats)).toContain(invoked.requestId);
    expect((await (await client.invoke(grow, { size: 3 })).result()).value).toEqual({ text: 'uuu' });
  });

  test('is empty without the setting, or when the store refuses it, and the success has its size', async ({ server, nats }) => {
    await using _worker = await startWorker({ servers: server.url, functions: [grow, dropping] });
    await using client = await connectClient({ servers: server.url });
    const { manager } = nats.connection;
    const { state } = await manager.streams.info(PAYLOADS_STREAM);
    await manager.streams.update(PAYLOADS_STREAM, { max_bytes: state.bytes + 1_000 });
    for (const name of ['grow', 'dropping']) {
      const invoked = await client.invoke(name, { size: 800_000 });
      expect(await invoked.result()).toMatchObject({ outcome: 'succeeded', value: undefined });
      const { transitions } = await client.timeline(invoked.requestId, { function: name });
      const success = transitions.map(({ fact }) => fact).find(({ type }) => type === 'succeeded');
      expect(success).toMatchObject({ payload: '', droppedBytes: expect.any(Number) });
      expect(success).not.toHaveProperty('stored');
    }
    await manager.streams.update(PAYLOADS_STREAM, { max_bytes: -1 });
  });
});

describe('a worker', () => {
  test('holds large payloads up to its bound, and starts the others when a place is free', async ({ nats }) => {
    const large = createLargePayloads({ store: nats.ports.payloadStore });
    const definition = processFunction({ name: 'import' });
    let running = 0;
    let most = 0;
    const ends: (() => void)[] = [];
    const host = surroundHost(
      {
        async execute({ payload }) {
          most = Math.max(most, ++running);
          await new Promise<void>((resolve) => void ends.push(resolve));
          running--;
          return returned(String(payload.length));
        },
        async close() {},
      },
      [createFetchingLayer(large, { maxBytesAtOnce: 2.5 * MB })],
    );
    const executions = [];
    for (let i = 0; i < 5; i++) {
      const requestId = newId() as RequestId;
      const payload = await large.store({ function: 'import', invocation: requestId }, eventOf(MB));
      executions.push(host.execute({ ...executionOf(definition), requestId, payload }, neverAborted()));
    }
    const late = new AbortController();
    const aborted = host.execute({ ...executionOf(definition), payload: `stored:1.${MB}.${'A'.repeat(43)}` }, late.signal);
    late.abort();
    expect(await aborted).toMatchObject({ failure: { errorType: 'ExecutionAborted' } });
    for (let i = 0; i < 5; i++) {
      await vi.waitFor(() => expect(ends).toHaveLength(Math.min(2, 5 - i)), WAITING);
      ends.shift()?.();
    }
    expect(await Promise.all(executions)).toEqual(Array.from({ length: 5 }, () => returned(String(eventOf(MB).length))));
    expect(most).toBe(2);
  });

  test('refuses a raw request with a reference to more than 64 MB', async ({ nats }) => {
    const name = { function: 'import' as FunctionName, stream: newId() as string as StreamId };
    const { sequence } = await nats.ports.log.accept(name, [{ payload: `stored:1.67108865.${'A'.repeat(43)}` }]);
    expect((await nats.ports.log.readRequest(sequence))?.requests[0]?.defect).toMatchObject({ condition: 'InvalidPayload' });
  });
});
