import { describe, expect, test } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { eventsLayer, surroundHost } from '#src/hosts/around/layers.ts';
import { createSubjectHost, type SubjectReply, type SubjectRequest } from '#src/hosts/remote/subject-host.ts';
import { execute, executionOf, neverAborted } from '#test/support/hosts/executions.ts';

const definition = functionDefinitionSchema.parse({
  name: 'order',
  handler: { kind: 'subject', subject: 'orders.price' },
  timeoutInMs: 100,
});

function hostOf(answer: SubjectRequest) {
  return createSubjectHost({ request: answer });
}

function hostThatAnswers(reply: SubjectReply) {
  return hostOf(async () => reply);
}

function reply(text: string, headers: Record<string, string> = {}): SubjectReply {
  return { kind: 'reply', payload: new TextEncoder().encode(text), headers };
}

describe('a subject host', () => {
  test('sends the event with its headers, and returns the reply', async () => {
    const asked: unknown[] = [];
    const host = hostOf(async (subject, payload, { headers, timeoutInMs }) => {
      asked.push(subject, new TextDecoder().decode(payload), headers, timeoutInMs);
      return reply('{"price":7}');
    });
    const facts = { requestId: 'r-1' as never, attempt: 2, traceparent: '00-a-b-01' };
    expect(await host.execute(executionOf(definition, { id: 1 }, facts), neverAborted())).toEqual({
      kind: 'returned',
      payload: '{"price":7}',
    });
    const urn = 'urn:fss:here:project:function:default:order:latest';
    expect(asked).toEqual([
      'orders.price',
      '{"id":1}',
      { 'Request-Id': 'r-1', 'Function-Urn': urn, Attempt: '2', traceparent: '00-a-b-01' },
      100,
    ]);
  });

  test('names the requests of a group in headers, or only counts them when their ids are too long', async () => {
    const asked: unknown[] = [];
    const host = surroundHost(
      hostOf(async (_, payload, { headers }) => {
        asked.push([JSON.parse(new TextDecoder().decode(payload)).length, headers['Request-Count'], headers['Request-Ids']]);
        return reply('1');
      }),
      [eventsLayer],
    );
    const ids = Array.from({ length: 1_000 }, (_, index) => `request-${index}`);
    for (const few of [ids.slice(0, 2), ids]) {
      const events = few.map((id) => ({ requestId: id as never, payload: '{}' }));
      await host.execute(executionOf(definition, {}, { events }), neverAborted());
    }
    expect(asked).toEqual([
      [2, '2', 'request-0,request-1'],
      [1_000, '1000', undefined],
    ]);
  });

  test('sends {} for an empty payload', async () => {
    const host = hostOf(async (_subject, payload) => reply(new TextDecoder().decode(payload)));
    expect(await host.execute(executionOf(definition, {}, { payload: '' }), neverAborted())).toEqual({ kind: 'returned', payload: '{}' });
  });

  test('maps an error of a NATS service to a failure of the function', async () => {
    const host = hostThatAnswers(reply('', { 'Nats-Service-Error-Code': '400', 'Nats-Service-Error': 'no such order' }));
    const message = 'the service answered error 400, no such order';
    expect(await execute(host, definition)).toMatchObject({ failure: { kind: 'function', errorType: 'NatsServiceError', message } });
  });

  test('maps a Function-Error with its payload to a failure of the function', async () => {
    const body = JSON.stringify({ errorMessage: 'out of stock', errorType: 'StockError', stackTrace: ['at x'] });
    const host = hostThatAnswers(reply(body, { 'Function-Error': 'Unhandled', 'Retry-After': '2' }));
    const message = 'the function answered an error, Unhandled: out of stock';
    expect(await execute(host, definition)).toMatchObject({
      failure: { kind: 'function', errorType: 'StockError', message, stackTrace: ['at x'], retryAfterInMs: 2_000 },
    });
  });

  test('maps a missing responder or NATS connection to a failure of the platform', async () => {
    expect(await execute(hostThatAnswers({ kind: 'no-responders' }), definition)).toMatchObject({
      failure: { kind: 'platform', code: 150424 },
    });
    const away = { kind: 'unavailable', why: 'connection closed' } as const;
    expect(await execute(hostThatAnswers(away), definition)).toMatchObject({
      failure: { kind: 'platform', code: 161900, message: 'connection closed' },
    });
  });

  test('maps a timeout to a failure of the function', async () => {
    expect(await execute(hostThatAnswers({ kind: 'timed-out' }), definition)).toMatchObject({ failure: { kind: 'function', code: 4010 } });
  });

  test('ends an execution when its signal aborts', async () => {
    const giveUp = new AbortController();
    const host = hostOf(
      (_subject, _payload, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    );
    const running = host.execute(executionOf(definition), giveUp.signal);
    giveUp.abort();
    expect(await running).toMatchObject({ failure: { kind: 'platform', errorType: 'ExecutionAborted' } });
  });

  test('never rejects, even when the request rejects', async () => {
    const host = hostOf(() => Promise.reject(new Error('bad subject')));
    expect(await execute(host, definition)).toMatchObject({ failure: { kind: 'platform', message: 'bad subject' } });
  });
});
