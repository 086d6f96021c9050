import { createInbox, type Msg } from 'nats';
import { describe, expect, onTestFinished } from 'vitest';
import { createRequests } from '#src/client/invoke/requests.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import type { FunctionName, RequestId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { appendHeaders } from '#src/nats/wire/codec.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { accept, newStream } from '#test/support/log/opened-log.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

/* Not the shared server, because the tests kill it and read all of its traffic. */

describe('the publisher', () => {
  test('resolves each of many publishes in flight to its own result', async ({ nats }) => {
    const publisher = createPublisher(nats.connection);
    const answers = await Promise.all(Array.from({ length: 2_000 }, (_, index) => publisher.publish('invoke.many', String(index))));
    const sequences = answers.map((answer) => (answer.kind === 'stored' ? answer.sequence : Number.NaN));
    expect(new Set(sequences).size).toBe(2_000);
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    publisher.close();
  });

  test('distinguishes a conflict, a refusal and an unknown result', async ({ nats }) => {
    const publisher = createPublisher(nats.connection);
    const expectingNone = () => appendHeaders(NO_APPENDS, {});
    expect((await publisher.publish('invocation.f.twice', '{}', expectingNone())).kind).toBe('stored');
    expect(await publisher.publish('invocation.f.twice', '{}', expectingNone())).toEqual({ kind: 'conflict' });
    expect(await publisher.publish('nobody.stores.this', '{}')).toMatchObject({ kind: 'unknown', why: 'JetStream does not respond' });
    expect(await publisher.publish('invoke.large', 'x'.repeat((nats.connection.nats.info?.max_payload ?? 0) + 1))).toMatchObject({
      kind: 'refused',
      isFull: false,
    });
    publisher.close();
  });

  test('resolves publishes in flight to unknown when it is closed', async ({ nats }) => {
    const publisher = createPublisher(nats.connection);
    const answer = publisher.publish('invoke.closing', '{}');
    publisher.close();
    expect(await answer).toMatchObject({ kind: 'unknown' });
  });

  test('resolves to unknown at once without a connection, and stores again after the reconnection', async ({ server }) => {
    await using mortal = await openNats(server.url);
    // Longer than the test may take: a publish that waited for an answer would not end.
    const publisher = createPublisher(mortal.connection, { timeoutInMs: 600_000 });
    await server.kill();
    await expect.poll(() => mortal.connection.isConnected).toBe(false);
    const answers = await Promise.all(Array.from({ length: 100 }, () => publisher.publish('invoke.lost', '{}')));
    expect(answers.filter(({ kind }) => kind !== 'unknown')).toEqual([]);
    await server.restart();
    await expect.poll(() => mortal.connection.isConnected, { timeout: 30_000 }).toBe(true);
    await expect.poll(async () => (await publisher.publish('invoke.back', '{}')).kind, { timeout: 30_000 }).toBe('stored');
    publisher.close();
  });

  test('of requests goes on over a killed server: each of a hundred is accepted, and is there', async ({ server }) => {
    await using mortal = await openNats(server.url);
    const accepting: Promise<number>[] = [];
    for (let index = 0; index < 100; index++) {
      accepting.push(accept(mortal.ports.log, newStream()));
      if (index === 50) await server.kill();
    }
    await server.restart();
    const sequences = await Promise.all(accepting);
    const missing = (await Promise.all(sequences.map((sequence) => mortal.ports.log.readRequest(sequence)))).filter(
      (found) => found === undefined,
    );
    expect(missing).toEqual([]);
  });
});

describe('a log that is full', () => {
  test('refuses new requests with a clear error, keeps all messages, and accepts again when space is free', async ({ nats }) => {
    const manager = await nats.connection.nats.jetstreamManager();
    const first = await accept(nats.ports.log, newStream());
    const { state } = await manager.streams.info(INVOCATIONS);
    await manager.streams.update(INVOCATIONS, { max_msgs: state.messages });
    onTestFinished(async () => void (await manager.streams.update(INVOCATIONS, { max_msgs: -1 })));
    const refused = await accept(nats.ports.log, newStream()).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'LOG_FULL',
      message: expect.stringMatching(/^the log accepts nothing more: .*maximum messages/),
    });
    expect(await nats.ports.log.readRequest(first)).toBeDefined();
    await manager.streams.update(INVOCATIONS, { max_msgs: -1 });
    await accept(nats.ports.log, newStream());
  });
});

describe('a hostile name', () => {
  const hostile = [
    'victim 2\r\n{}\r\nPUB invoke.victim',
    'a\r\nPUB invoke.victim 2\r\n{}\r\n',
    'a b',
    'a\tb',
    'a\u0000b',
    'a.b',
    '*',
    '>',
    '',
    'x'.repeat(5_000),
    'größe',
    '__proto__',
  ];

  test('never reaches the wire, whichever function it is passed to', async ({ server }) => {
    await using tap = await openNats(server.url);
    const heard: Msg[] = [];
    tap.connection.nats.subscribe('>', { callback: (_, message) => void heard.push(message) });
    await tap.connection.nats.flush();
    await using honest = await openNats(server.url);
    const registry = createFunctionRegistry(honest.ports.functions);
    const requests = createRequests({
      log: honest.ports.log,
      clock: systemClock,
      random: { bytes: (size) => new Uint8Array(size) },
      maxBatch: () => 1,
    });
    const name = 'orders' as FunctionName;
    for (const text of hostile) {
      await expect(registry.get(text)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(registry.delete(text)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(registry.put({ name: text, handler: { kind: 'inline' } })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      if (text !== '__proto__')
        await expect(requests.send(name, { payload: '{}', id: text })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      if (text !== 'a.b')
        await expect(requests.send(name, { payload: '{}', qualifier: text })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    const end = createInbox();
    honest.connection.nats.publish(end);
    await expect.poll(() => heard.some(({ subject }) => subject === end)).toBe(true);
    const subjects = heard.map(({ subject }) => subject).filter((subject) => !/^(_INBOX\.|\$JS\.|\$KV\.)/.test(subject));
    expect(subjects).toEqual([]);
    expect(heard.filter(({ subject }) => subject.includes('victim'))).toEqual([]);
    expect(honest.connection.isConnected).toBe(true);
  });

  test('in a trace context or a worker’s name injects nothing either', async ({ server, nats }) => {
    await using tap = await openNats(server.url);
    const heard: string[] = [];
    tap.connection.nats.subscribe('invoke.victim', { callback: (_, { subject }) => void heard.push(subject) });
    await tap.connection.nats.flush();
    const { log, executionProbe } = nats.ports;
    const injection = 'x\r\n\r\n{}\r\nPUB invoke.victim 2\r\n{}';
    const name = newStream();
    await expect(log.accept(name, [{ payload: '{}', traceparent: injection }])).rejects.toThrow();
    await expect(log.accept(name, [{ payload: '{}', id: injection as RequestId }])).rejects.toThrow();
    expect(await executionProbe.isRunning(injection, { invocation: 'id', attempt: 1 })).toBe(false);
    expect(await executionProbe.isRunning('*', { invocation: 'id', attempt: 1 })).toBe(false);
    await nats.connection.nats.flush();
    await tap.connection.nats.flush();
    expect(heard).toEqual([]);
  });
});
