import { connect, headers } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { SEQUENT_SUBJECTS } from '#src/core/names/subjects.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { createNatsRequester, openRequesterConnection } from '#src/nats/transport/requester.ts';
import { startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const event = new TextEncoder().encode('{"n":1}');
const never = new AbortController().signal;

describe('a request to a responder', () => {
  let connection: Connection;
  let responder: Awaited<ReturnType<typeof connect>>;
  beforeAll(async () => {
    connection = await openConnection({ servers: inject('natsUrl') });
    responder = await connect({ servers: inject('natsUrl') });
  });
  afterAll(async () => {
    await responder.close();
    await connection.close();
  });
  const ask = (subject: string, options: { timeoutInMs?: number; signal?: AbortSignal; headers?: Record<string, string> } = {}) =>
    createNatsRequester(connection)(subject, event, { headers: {}, timeoutInMs: 5_000, signal: never, ...options });

  test('returns the payload and the headers of the reply', async () => {
    responder.subscribe('requester.echo', {
      callback: (_, message) => {
        const answer = headers();
        answer.set('Function-Error', 'Unhandled');
        message.respond(Buffer.from(`${message.string()} for ${message.headers?.get('Request-Id')}`), { headers: answer });
      },
    });
    await responder.flush();
    const reply = await ask('requester.echo', { headers: { 'Request-Id': 'r-1' } });
    if (reply.kind !== 'reply') throw new Error(`it ended as ${reply.kind}`);
    expect(text(reply.payload)).toBe('{"n":1} for r-1');
    expect(reply.headers).toEqual({ 'Function-Error': 'Unhandled' });
  });

  test('distinguishes a missing responder from a missing reply', async () => {
    responder.subscribe('requester.silent', { callback: () => {} });
    await responder.flush();
    expect(await ask('requester.nobody')).toEqual({ kind: 'no-responders' });
    expect(await ask('requester.silent', { timeoutInMs: 50 })).toEqual({ kind: 'timed-out' });
  });

  test('ends when its signal aborts', async () => {
    const giveUp = new AbortController();
    const asked = ask('requester.silent', { signal: giveUp.signal });
    giveUp.abort();
    expect(await asked).toMatchObject({ kind: 'unavailable' });
  });

  test('never rejects, even for a header that NATS cannot carry', async () => {
    expect(await ask('requester.echo', { headers: { traceparent: 'a\r\nInjected: yes' } })).toMatchObject({ kind: 'unavailable' });
  });
});

test('a request that loses its connection ends at once, as unavailable', async () => {
  await using server = await startTestServer();
  const connection = await openConnection({ servers: server.url });
  connection.nats.subscribe('requester.slow', { callback: () => {} });
  const ask = createNatsRequester(connection);
  const options = { headers: {}, timeoutInMs: 60_000, signal: never };
  const asked = ask('requester.slow', event, options);
  await connection.nats.flush();
  await server.kill();
  expect(await asked).toMatchObject({ kind: 'unavailable' });
  expect(await ask('requester.slow', event, options)).toMatchObject({ kind: 'unavailable' });
  await connection.close();
});

describe('a connection for requests alone, whose user may do what the documentation says', () => {
  const users = {
    sequent: {},
    requester: { publish: { allow: ['fn.>', 'images.>'] }, subscribe: { allow: ['_INBOX_sequent_responders.>'] } },
  };

  test('reaches responders and no subject of Sequent; the reason names the subject and the user', async () => {
    await using server = await startGuardedServer(users);
    const sequent = await openConnection(server.as('sequent'));
    const heard: string[] = [];
    sequent.nats.subscribe('>', { callback: (_, message) => void heard.push(message.subject) });
    sequent.nats.subscribe('images.thumbs', { callback: (_, message) => void message.respond('done') });
    await sequent.nats.flush();
    const connection = await openRequesterConnection(server.as('requester'));
    const ask = createNatsRequester(connection);
    const options = { headers: {}, timeoutInMs: 5_000, signal: never };
    expect(await ask('images.thumbs', event, options)).toMatchObject({ kind: 'reply' });
    for (const pattern of Object.values(SEQUENT_SUBJECTS)) {
      const subject = pattern.replaceAll(/[*>]/g, 'x');
      const reply = await ask(subject, event, options);
      expect(reply).toMatchObject({ kind: 'unavailable', why: expect.stringContaining(subject) });
      expect(reply).toMatchObject({ why: expect.stringContaining('requester') });
    }
    expect(heard.filter((subject) => !subject.startsWith('_INBOX_'))).toEqual(['images.thumbs']);
    await connection.close();
    await sequent.close();
  });
});
