import { describe, expect } from 'vitest';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { idAt } from '#src/core/names/ids.ts';
import { type FunctionName, NO_FUNCTION, type StreamId } from '#src/core/names/names.ts';
import { createNatsExecutionProbe } from '#src/nats/questions/execution-probe.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { newStream } from '#test/support/log/opened-log.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { type RunningSystem, startSystem } from '#test/support/nats/running-system.ts';

/*
 * Every raw publish ends with a clear outcome, and affects no other invocation (U1). Not the shared server, because its schedulers would end
 * these requests too.
 */

let server: TestServer;
let system: RunningSystem;

test.beforeAll(async ({ server: own }) => {
  server = own;
  system = await startSystem(server.url, new Map([['echo', (event: unknown) => event]]));
});
test.afterAll(async () => {
  await system[Symbol.asyncDispose]();
});

/** Publishes, waits for the result, and returns what the log and the envelope say about the invocation. */
async function outcomeOf(token: string, data: string | Uint8Array, headers: Record<string, string> = {}) {
  const { subject, envelope, requestId } = await system.resultOf(await system.publish(token, data, headers));
  await system.settled();
  const { condition } = envelope.request_context;
  return {
    subject,
    condition,
    code: envelope.response_context.status_code,
    error: envelope.response_context.function_error,
    envelope,
    requestId,
  };
}

describe('a raw publish to a token that no function has', () => {
  test.for([
    ['$x', '"$x"'],
    ['a%b', '"a%b"'],
    ['größe', '"größe"'],
    ['函数', '"函数"'],
    ['-', '"-"'],
    ['_', '"_"'],
    ['a-', '"a-"'],
    ['1st', '"1st"'],
    ['__proto__', '"__proto__"'],
    ['constructor', '"constructor"'],
    ['toString', '"toString"'],
    ['x'.repeat(61), `"${'x'.repeat(61)}"`],
    ['x'.repeat(200), `"${'x'.repeat(64)}…"`],
    ['ghost', '"ghost"'],
    ['a\u0000b', '"a\\u0000b"'],
    ['a\u001b[31m', '"a\\u001b[31m"'],
  ] as const)('(%j) fails with FunctionNotFound on a valid subject', async ([token, shown]) => {
    const { subject, condition, code, error } = await outcomeOf(token, '{}');
    expect({ condition, code, error }).toEqual({ condition: 'FunctionNotFound', code: 404, error: `function ${shown} does not exist` });
    expect(subject).toMatch(/^result\.[A-Za-z_][A-Za-z0-9_-]*\.failed$/);
  });

  test('leaves its facts under the token that stands for no function', async () => {
    const sequence = await system.publish('$x', '{}');
    const { requestId } = await system.resultOf(sequence);
    await system.settled();
    const appends = await system.ports.log.read({ function: NO_FUNCTION, stream: requestId as string as StreamId }, NO_APPENDS);
    expect(appends.flatMap(({ facts }) => facts.map(({ type }) => type))).toEqual(['failed', 'notified']);
  });
});

describe('a raw publish with hostile headers', () => {
  test.for([
    ['a.b', /^the Request-Id header "a\.b" must be/],
    ['*', /"\*" must be/],
    ['>', /">" must be/],
    ['a b', /"a b" must be/],
    ['a\tb', /"a\\tb" must be/],
    ['größe', /must be/],
    ['x'.repeat(5_000), /"x{64}…" must be/],
    [idAt(newStream().stream, 5), /has the form of the ids that Sequent creates/],
  ] as const)('as its Request-Id (%$) fails with InvalidRequest under another id', async ([id, message]) => {
    const { subject, condition, code, error, requestId } = await outcomeOf('echo', '{}', { 'Request-Id': id });
    expect({ subject, condition, code }).toEqual({ subject: 'result.echo.failed', condition: 'InvalidRequest', code: 400 });
    expect(error).toMatch(message);
    expect(requestId).not.toBe(id);
  });

  test.for(['a b', '!', '!!live', '>', 'a'.repeat(43), '__proto__', '../../..', 'größe'])(
    'as its Qualifier (%s) fails with InvalidRequest',
    async (qualifier) => {
      const { condition, error } = await outcomeOf('echo', '{}', { Qualifier: qualifier });
      expect(condition).toBe('InvalidRequest');
      expect(error).toMatch(/^the qualifier ".*" is neither a version nor "!" and an alias$/);
    },
  );

  test('as its Batch fails with InvalidRequest, whatever the envelope holds', async () => {
    for (const batch of ['mine', '*', newStream().stream.replace('0000', 'ffff')]) {
      const { condition } = await outcomeOf('echo', '{"requests":[{"payload":"1"}]}', { Batch: batch });
      expect(condition).toBe('InvalidRequest');
    }
  });

  test('accepts __proto__ and constructor as ids', async () => {
    for (const id of ['__proto__', 'constructor']) {
      expect(await outcomeOf('echo', '{"a":1}', { 'Request-Id': id })).toMatchObject({ subject: 'result.echo.succeeded', requestId: id });
    }
  });
});

describe('a raw publish of a malformed batch', () => {
  test.for([
    ['no JSON', '{"requests":', /batch cannot be read: it is no JSON text/],
    ['no requests', '{}', /requests must be an array/],
    ['an empty list', '{"requests":[]}', /requests must have at least 1 entry/],
    ['wrong types', '{"requests":[{"payload":{}}]}', /requests\[0\]\.payload must be a string/],
    ['no UTF-8', Buffer.from([0xff]), /batch cannot be read: it is no JSON text/],
    [
      '65 requests',
      JSON.stringify({ requests: Array.from({ length: 65 }, () => ({ payload: '1' })) }),
      /requests must have at most 64 entries/,
    ],
    [
      'half a million mistakes',
      JSON.stringify({ requests: Array.from({ length: 500_000 }, () => 1) }),
      /requests must have at most 64 entries/,
    ],
  ] as const)('(%s) fails with InvalidRequest', async ([, data, message]) => {
    const { condition, error } = await outcomeOf('echo', data, { Batch: newStream().stream });
    expect(condition).toBe('InvalidRequest');
    expect(error).toMatch(message);
    expect(error.length).toBeLessThan(1_000);
  });

  test('fails only those of a good batch that cannot run', async () => {
    const { stream } = newStream();
    const payloads = ['{"ok":1}', 'nonsense', JSON.stringify('x'.repeat(262_143)), '"good"'];
    await system.publish('echo', JSON.stringify({ requests: payloads.map((payload) => ({ payload })) }), { Batch: stream });
    const results = await Promise.all(payloads.map((_, index) => system.resultFor(idAt(stream, index))));
    expect(results.map(({ envelope }) => envelope.request_context.condition)).toEqual(['', 'InvalidPayload', 'PayloadTooLarge', '']);
  });
});

describe('a raw payload', () => {
  test.for([
    ['is not JSON', 'hello', 'InvalidPayload', 406, /^the payload is not JSON: .*hello/],
    ['is not UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22]), 'InvalidPayload', 406, /^the payload is not UTF-8 text$/],
    ['is binary zeros', Buffer.alloc(1_000), 'InvalidPayload', 406, /^the payload is not JSON/],
    ['nests 200,000 arrays', '['.repeat(100_000), 'InvalidPayload', 406, /not JSON/],
    [
      'has 262,145 bytes',
      `"${'x'.repeat(262_143)}"`,
      'PayloadTooLarge',
      413,
      /^the payload has 262145 bytes; at most 262144 are accepted$/,
    ],
    ['has a megabyte', `"${'x'.repeat(1_000_000)}"`, 'PayloadTooLarge', 413, /^the payload has 1000002 bytes/],
  ] as const)('that %s fails clearly', async ([, data, condition, code, message]) => {
    const outcome = await outcomeOf('echo', data);
    expect(outcome).toMatchObject({ subject: 'result.echo.failed', condition, code });
    expect(outcome.error).toMatch(message);
  });

  test('of exactly 262,144 bytes runs, and comes back whole', async () => {
    const payload = `["${'x'.repeat(262_140)}"]`;
    const { subject, envelope } = await outcomeOf('echo', payload);
    expect(subject).toBe('result.echo.succeeded');
    expect(envelope.request_payload).toBe(payload);
    expect(envelope.response_payload).toBe(payload);
  });

  test('that is empty is the event {}', async () => {
    expect((await outcomeOf('echo', '')).envelope).toMatchObject({ request_payload: '', response_payload: '{}' });
  });

  test('keeps __proto__ as text: nothing is polluted', async () => {
    const payload = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    expect((await outcomeOf('echo', payload)).envelope.response_payload).toBe(payload);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('a request id that is used again', () => {
  test('starts nothing twice, and the result stays that of the first request', async () => {
    const id = `again-${Date.now()}`;
    const first = await system.publish('echo', '{"n":1}', { 'Request-Id': id });
    await system.resultOf(first);
    await system.publish('echo', '{"n":2}', { 'Request-Id': id });
    await system.publish('echo', 'nonsense', { 'Request-Id': id });
    await system.settled();
    const appends = await system.ports.log.read({ function: 'echo' as FunctionName, stream: id as StreamId }, NO_APPENDS);
    expect(appends.flatMap(({ facts }) => facts.map(({ type }) => type))).toEqual(['running', 'succeeded', 'notified']);
    const envelopes = system.results.filter(({ requestId }) => requestId === id).map(({ envelope }) => envelope);
    for (const envelope of envelopes) expect(envelope).toEqual(envelopes[0]);
    expect(envelopes[0]).toMatchObject({ request_payload: '{"n":1}', response_payload: '{"n":1}' });
  });

  test('at the same moment runs once, for one of the requests', async () => {
    const id = `race-${Date.now()}`;
    const payloads = Array.from({ length: 8 }, (_, index) => String(index));
    await Promise.all(payloads.map((payload) => system.publish('echo', payload, { 'Request-Id': id })));
    await system.resultFor(id);
    await system.settled();
    const envelopes = system.results.filter(({ requestId }) => requestId === id).map(({ envelope }) => envelope);
    expect(new Set(envelopes.map((envelope) => JSON.stringify(envelope))).size).toBe(1);
    expect(envelopes[0]?.request_payload).toBe(envelopes[0]?.response_payload);
  });
});

describe('garbage on the subjects between the roles', () => {
  test.for([
    '',
    'garbage',
    'null',
    '7',
    '{}',
    '{"stream":"*","request":1}',
    '{"stream":"x","request":-1}',
    '{"stream":"nobody","request":1}',
  ])('(%s) is ignored, and the roles go on', async (garbage) => {
    const { nats } = system.connection;
    const targets = [
      'wake.echo',
      'deliver.echo',
      'scheduler.find',
      `worker.${system.worker}.runs`,
      'invocation.echo.some-stream',
      'wake.$x',
    ];
    for (const subject of targets) nats.publish(subject, garbage);
    await nats.flush();
    expect(await outcomeOf('echo', '"still here"')).toMatchObject({ subject: 'result.echo.succeeded' });
    expect(await system.ports.openRequests.find('nobody' as StreamId)).toEqual([]);
    await using other = await openNats(server.url);
    expect(await createNatsExecutionProbe(other.connection).isRunning(system.worker, { invocation: 'nobody', attempt: 1 })).toBe(false);
  });

  test('that wakes a function with another function’s request does not run it there', async () => {
    await system.registry.put({ name: 'other', handler: { kind: 'inline' }, timeoutInMs: 1_000 });
    const sequence = await system.publish('ghost', '"for nobody"', { 'Request-Id': 'stolen-1' });
    system.ports.hints.wake({ function: 'echo' as FunctionName, stream: 'stolen-1' as StreamId }, sequence, 'forged');
    const { subject, envelope } = await system.resultOf(sequence);
    expect({ subject, condition: envelope.request_context.condition }).toEqual({
      subject: 'result.ghost.failed',
      condition: 'FunctionNotFound',
    });
  });
});
