import { headers } from 'nats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { statusCodes } from '#machines/facts.ts';
import { type DeliveringSystem, receiverConnection, startDeliveringSystem, toHttp } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';

const file = new URL('../../support/destinations/functions.mjs', import.meta.url).pathname;
const systemCodes = Object.values(statusCodes);

/** Derived from SRC7 (exactly these keys, in this order) and SRC8 (the meaning of the keys), not from the code. */
const keys = ['timestamp', 'request_context', 'request_payload', 'response_context', 'response_payload'];
const schema = z.strictObject({
  timestamp: z.iso.datetime({ precision: 3 }),
  request_context: z.strictObject({
    request_id: z.string().min(1),
    function_urn: z.string().regex(/^urn:fss:[\w-]+:[\w-]+:function:[\w-]+:[\w-]+:[!\w.-]+$/),
    condition: z.string(),
    approximate_invoke_count: z.int().min(0),
  }),
  // The original payload, also when it was invalid.
  request_payload: z.string(),
  response_context: z.strictObject({ status_code: z.literal(systemCodes), function_error: z.string() }),
  response_payload: z.string().max(262_144),
});

type Envelope = z.infer<typeof schema>;

function check(text: string): Envelope {
  const envelope = schema.parse(JSON.parse(text));
  expect(Object.keys(envelope)).toEqual(keys);
  // The text is compared, so nested keys have the same order and there is no white space.
  const { request_context: request, response_context: response } = envelope;
  expect(text).toBe(
    JSON.stringify({
      timestamp: envelope.timestamp,
      request_context: {
        request_id: request.request_id,
        function_urn: request.function_urn,
        condition: request.condition,
        approximate_invoke_count: request.approximate_invoke_count,
      },
      request_payload: envelope.request_payload,
      response_context: { status_code: response.status_code, function_error: response.function_error },
      response_payload: envelope.response_payload,
    }),
  );
  return envelope;
}

const definition = (url: string, facts: object = {}, policy: object = {}) => ({
  name: 'obey',
  handler: { kind: 'process', file, export: 'obey' },
  ...facts,
  policy: {
    maxRetries: 2,
    backoff: { initialInMs: 50, factor: 1, maxInMs: 50, jitter: 0 },
    onSuccess: [toHttp(url)],
    onFailure: [toHttp(url)],
    ...policy,
  },
});

type Expected = { name?: string; condition: string; count: number; status: number; error: RegExp; response: RegExp };
type Case = [string, object | string, Expected];
const cases: Case[] = [
  ['a success', { value: 7 }, { condition: '', count: 1, status: 200, error: /^$/, response: /^7$/ }],
  [
    'a success after two retries',
    { failUntil: 3, value: 'späť' },
    { condition: '', count: 3, status: 200, error: /^$/, response: /^späť$/ },
  ],
  [
    'an error that was thrown three times',
    { failUntil: 9 },
    {
      condition: 'UnhandledInvocationError',
      count: 3,
      status: 200,
      error: /attempt 3 fails as requested/,
      response: /^{"errorMessage":".*attempt 3.*","errorType":"TypeError","stackTrace":\[".*\]}$/,
    },
  ],
  [
    'a timeout',
    { ms: 60_000 },
    {
      name: 'hasty',
      condition: 'UnhandledInvocationError',
      count: 3,
      status: 200,
      error: /timed out after 400 ms/,
      response: /timed out/,
    },
  ],
  ['a returned value over 256 KB', { bytes: 262_145 }, { condition: '', count: 1, status: 200, error: /^$/, response: /^$/ }],
  [
    'a payload that is not JSON',
    'nonsense',
    { condition: 'InvalidPayload', count: 0, status: 406, error: /not JSON/, response: /errorMessage/ },
  ],
  [
    'a payload over 256 KB',
    JSON.stringify('x'.repeat(262_143)),
    { condition: 'PayloadTooLarge', count: 0, status: 413, error: /262145 bytes/, response: /errorMessage/ },
  ],
];

let receiver: Receiver;
beforeAll(async () => {
  receiver = await openReceiver(answer(200));
});
afterAll(() => receiver[Symbol.asyncDispose]());

/** Publishes a request by plain NATS, and returns the envelope that the receiver gets. */
async function deliveredEnvelope(sequent: DeliveringSystem, id: string, payload: object | string): Promise<string> {
  publish(sequent, 'obey', { id, payload });
  return await envelopeOf(sequent, id);
}

type Request = { id: string; payload: object | string };

function publish({ client }: DeliveringSystem, name: string, { id, payload }: Request): void {
  const requestHeaders = headers();
  requestHeaders.set('Request-Id', id);
  client.connection.nats.publish(`invoke.${name}`, typeof payload === 'string' ? payload : JSON.stringify(payload), {
    headers: requestHeaders,
  });
}

/** The envelope that the receiver got, once every delivery is settled. */
async function envelopeOf({ log }: DeliveringSystem, id: string): Promise<string> {
  await log.untilNotified([id]);
  const isOfId = (deliveryId: unknown): boolean => typeof deliveryId === 'string' && deliveryId.split('/')[0] === id;
  const bodies = receiver.received.filter(({ headers: received }) => isOfId(received['webhook-id'])).map(({ body }) => body);
  expect(bodies).toHaveLength(1);
  return bodies[0] ?? '';
}

describe('the envelope that a target receives', () => {
  let sequent: DeliveringSystem;
  beforeAll(async () => {
    sequent = await startDeliveringSystem({ receiver: receiverConnection(receiver) });
    await sequent.client.functions.put(definition(receiver.url));
    await sequent.client.functions.put(definition(receiver.url, { name: 'hasty', timeoutInMs: 400 }));
  });
  afterAll(() => sequent[Symbol.asyncDispose]());

  test.for(cases)('of %s follows SRC7 and SRC8', async ([what, payload, expected]) => {
    const id = what.replaceAll(/\W+/g, '-');
    const { name = 'obey' } = expected;
    publish(sequent, name, { id, payload });
    const text = await envelopeOf(sequent, id);
    const { request_context, response_context, ...fields } = check(text);
    const sent = typeof payload === 'string' ? payload : JSON.stringify(payload);

    expect(request_context).toEqual({
      request_id: id,
      function_urn: `urn:fss:local:default:function:default:${name}:latest`,
      condition: expected.condition,
      approximate_invoke_count: expected.count,
    });
    expect(fields.timestamp).toBe(new Date(sequent.log.facts.get(id)?.[0]?.at ?? 0).toISOString());
    expect(fields.request_payload).toBe(sent);
    expect(response_context).toEqual({ status_code: expected.status, function_error: expect.stringMatching(expected.error) });
    expect(fields.response_payload).toMatch(expected.response);
    expect((await sequent.run(['result', id, '--envelope'])).stdout).toBe(`${text}\n`);
  });

  test('of an event that became too old has status 408, also when it never ran', async () => {
    // The function is paused from its definition on, so no attempt starts.
    await sequent.client.functions.put(definition(receiver.url, { name: 'paused', paused: true }, { maxAgeInSeconds: 1 }));
    publish(sequent, 'paused', { id: 'too-old', payload: { value: 1 } });
    const envelope = check(await envelopeOf(sequent, 'too-old'));
    expect(envelope).toMatchObject({
      request_context: { condition: 'EventAgeExceeded', approximate_invoke_count: 0 },
      response_context: { status_code: 408, function_error: expect.stringContaining('within 1 s') },
    });
    const { function_error: errorMessage } = envelope.response_context;
    expect(JSON.parse(envelope.response_payload)).toEqual({ errorMessage, errorType: 'EventAgeExceeded', stackTrace: [] });
    // The history shows the same text.
    expect((await sequent.client.timeline('too-old')).envelope).toEqual(envelope);
  });

  test('of an invocation that was cancelled during an attempt has status 499 and the given reason', async () => {
    await sequent.client.functions.put(definition(receiver.url, { name: 'slow', timeoutInMs: 60_000 }));
    publish(sequent, 'slow', { id: 'cancelled', payload: { ms: 50_000 } });
    await sequent.log.until((fact) => fact.type === 'running' && fact.invocation === 'cancelled');
    const { code } = await sequent.run(['cancel', 'cancelled', '--reason', 'ordered twice']);
    expect(code).toBe(0);
    expect(check(await envelopeOf(sequent, 'cancelled'))).toMatchObject({
      request_context: { condition: 'InvocationCanceled', approximate_invoke_count: 1 },
      response_context: { status_code: 499, function_error: 'ordered twice' },
    });
  });

  test('of an invocation that was cancelled in the queue has status 499 and counts no execution', async () => {
    await sequent.client.functions.put(definition(receiver.url, { name: 'held', paused: true }));
    publish(sequent, 'held', { id: 'cancelled-early', payload: { value: 1 } });
    await sequent.log.until((fact) => fact.type === 'queued' && fact.invocation === 'cancelled-early');
    await sequent.client.cancel('cancelled-early', { reason: 'ordered twice' });
    expect(check(await envelopeOf(sequent, 'cancelled-early'))).toMatchObject({
      request_context: { condition: 'InvocationCanceled', approximate_invoke_count: 0 },
      response_context: { status_code: 499, function_error: 'ordered twice' },
    });
  });

  test('for a function fits one payload: the request payload is dropped first, then the response payload', async () => {
    const { client, log } = sequent;
    await client.functions.put({ name: 'target', handler: { kind: 'process', file, export: 'obey' } });
    const large = { value: 'x'.repeat(200_000) };
    await client.functions.put({
      // A new function, because a worker reads a later definition of another one only after a moment.
      ...definition(receiver.url, { name: 'large' }),
      policy: { onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: 'target' } }] },
    });
    const { requestId } = await client.invoke('large', large);
    const child = await log.until((fact) => fact.type === 'queued' && fact.lineage?.root === requestId);
    await log.untilNotified([child.invocation]);
    const { requestPayload, status } = await client.timeline(child.invocation);
    expect(status).toBe('SUCCESS');
    expect(Buffer.byteLength(requestPayload)).toBeLessThanOrEqual(262_144);
    expect(check(requestPayload)).toMatchObject({ request_payload: '', response_payload: large.value });
  });
});

describe('the observed variant of the envelope', () => {
  let sequent: DeliveringSystem;
  beforeAll(async () => {
    sequent = await startDeliveringSystem({ receiver: receiverConnection(receiver) }, { SEQUENT_ENVELOPE: 'observed' });
    await sequent.client.functions.put(definition(receiver.url));
  });
  afterAll(() => sequent[Symbol.asyncDispose]());

  test.for<[string, object | string, object]>([
    [
      'for thrown user code: status 500 and no text',
      { failUntil: 9 },
      { condition: 'UnhandledInvocationError', count: 2, status: 500, error: '' },
    ],
    ['for a success without a retry: count 0', { value: 1 }, { condition: '', count: 0, status: 200, error: '' }],
    ['for a success after two retries: count 2', { failUntil: 3 }, { condition: '', count: 2, status: 200, error: '' }],
    [
      'for errors of the system: unchanged',
      'nonsense',
      { condition: 'InvalidPayload', count: 0, status: 406, error: expect.stringMatching(/not JSON/) },
    ],
  ])('has, %s', async ([what, payload, expected]) => {
    const id = `observed-${what.replaceAll(/\W+/g, '-')}`.slice(0, 60);
    const text = await deliveredEnvelope(sequent, id, payload);
    const { request_context: request, response_context: response } = check(text);
    expect({
      condition: request.condition,
      count: request.approximate_invoke_count,
      status: response.status_code,
      error: response.function_error,
    }).toEqual(expected);
    const { stdout } = await sequent.run(['result', id, '--envelope', '--timeout', '0'], { env: { SEQUENT_ENVELOPE: 'observed' } });
    expect(stdout).toBe(`${text}\n`);
  });
});
