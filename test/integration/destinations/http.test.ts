import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, test } from 'vitest';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { createHttpTarget } from '#src/destinations/targets/http.ts';
import {
  canaries,
  connectionsOf,
  deliveryTo,
  envelope,
  neverAborted,
  plantCanaries,
  webhookSecret,
} from '#test/support/destinations/deliveries.ts';
import { answer, openReceiver, type Receiver, type Reply } from '#test/support/destinations/receiver.ts';

beforeAll(plantCanaries);

function targetFor(receiver: Receiver, more: Record<string, unknown> = {}) {
  const http = {
    kind: 'http',
    secret: webhookSecret,
    hosts: ['127.0.0.1', 'localhost'],
    allowPrivate: true,
    allowHttp: true,
    ports: [receiver.port],
    timeoutInMs: 20_000,
    ...more,
  };
  return createHttpTarget({ connections: connectionsOf({ http }), http: createVettedHttp() });
}

const deliveryToHook = ({ url }: Receiver) => deliveryTo('HTTP', { url: `${url}/hook?token=canary` });

describe('the HTTP target', () => {
  const verifier = new Webhook(canaries.SEQUENT_TEST_WEBHOOK);

  test('posts the envelope with a signature that the reference library verifies', async () => {
    await using receiver = await openReceiver();
    const request = { ...deliveryToHook(receiver), traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    expect(await targetFor(receiver).deliver(request, neverAborted)).toEqual({ kind: 'delivered' });
    const [received] = receiver.received;
    expect(received).toMatchObject({ method: 'POST', path: '/hook?token=canary', body: envelope });
    expect(received?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': request.deliveryId,
      traceparent: request.traceparent,
    });
    expect(verifier.verify(received?.body ?? '', received?.headers as Record<string, string>)).toEqual(JSON.parse(envelope));
  });

  test('is rejected by the reference library after a change of any byte', async () => {
    await using receiver = await openReceiver();
    await targetFor(receiver).deliver(deliveryToHook(receiver), neverAborted);
    const { body = '', headers = {} } = receiver.received[0] ?? {};
    const signed = headers as Record<string, string>;
    for (let index = 0; index < body.length; index++) {
      const changed = `${body.slice(0, index)}${body[index] === 'x' ? 'y' : 'x'}${body.slice(index + 1)}`;
      expect(() => verifier.verify(changed, signed, { jsonParse: false })).toThrow('No matching signature');
    }
    expect(() => verifier.verify(body, { ...signed, 'webhook-id': 'another' })).toThrow('No matching signature');
    expect(() => verifier.verify(body, { ...signed, 'webhook-timestamp': String(Number(signed['webhook-timestamp']) - 1) })).toThrow(
      'No matching signature',
    );
  });

  test('is rejected when it is replayed after five minutes', async () => {
    await using receiver = await openReceiver();
    await targetFor(receiver).deliver(deliveryToHook(receiver), neverAborted);
    const { body = '', headers = {} } = receiver.received[0] ?? {};
    const realNow = Date.now;
    Date.now = () => realNow() + 301_000;
    try {
      expect(() => verifier.verify(body, headers as Record<string, string>)).toThrow('Message timestamp too old');
    } finally {
      Date.now = realNow;
    }
  });

  test('has the same webhook-id on every try', async () => {
    await using receiver = await openReceiver(answer(500), answer(200));
    const target = targetFor(receiver);
    const request = deliveryToHook(receiver);
    expect((await target.deliver(request, neverAborted)).kind).toBe('failed');
    expect((await target.deliver({ ...request, try: 2 }, neverAborted)).kind).toBe('delivered');
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([request.deliveryId, request.deliveryId]);
  });

  test('is signed by the old and by the new secret during a rotation', async () => {
    const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    process.env.SEQUENT_TEST_ROTATING = `${canaries.SEQUENT_TEST_WEBHOOK}\n${other}\n`;
    await using receiver = await openReceiver();
    await targetFor(receiver, { secret: { env: 'SEQUENT_TEST_ROTATING' } }).deliver(deliveryToHook(receiver), neverAborted);
    delete process.env.SEQUENT_TEST_ROTATING;
    const { body = '', headers = {} } = receiver.received[0] ?? {};
    for (const secret of [canaries.SEQUENT_TEST_WEBHOOK, other]) new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(() => new Webhook(Buffer.alloc(32, 8).toString('base64')).verify(body, headers as Record<string, string>)).toThrow();
  });

  test('is sent unsigned, with its id, when the connection has no secret', async () => {
    await using receiver = await openReceiver();
    const request = deliveryToHook(receiver);
    await targetFor(receiver, { secret: undefined }).deliver(request, neverAborted);
    expect(receiver.received[0]?.headers['webhook-id']).toBe(request.deliveryId);
    expect(receiver.received[0]?.headers).not.toHaveProperty('webhook-signature');
  });

  test('sends the headers of its connection, and none of them replaces the signature', async () => {
    await using receiver = await openReceiver();
    const headers = { Authorization: { env: 'SEQUENT_TEST_TOKEN' }, 'X-Tenant': 'a', 'Webhook-Id': 'forged' };
    const request = deliveryToHook(receiver);
    await targetFor(receiver, { headers }).deliver(request, neverAborted);
    expect(receiver.received[0]?.headers).toMatchObject({
      authorization: canaries.SEQUENT_TEST_TOKEN,
      'x-tenant': 'a',
      'webhook-id': request.deliveryId,
    });
  });

  const reset: Reply = (response) => void response.socket?.resetAndDestroy();
  const acknowledgeAndReset: Reply = (response) => {
    response.writeHead(200, { 'content-length': 10 });
    response.write('ok', () => response.socket?.resetAndDestroy());
  };
  const huge: Reply = (response) => void response.writeHead(200).end(Buffer.alloc(10_000_000, 'x'));
  // Both times are of one reading of the clock, also when this process pauses.
  const inHalfAnHour: Reply = (response) => {
    const now = Date.now();
    const headers = { date: new Date(now).toUTCString(), 'retry-after': new Date(now + 1_800_000).toUTCString() };
    response.writeHead(503, headers).end();
  };

  test.each<[string, Reply, object]>([
    ['204', answer(204), { kind: 'delivered' }],
    ['200 with a cut body', acknowledgeAndReset, { kind: 'delivered' }],
    ['200 with a huge body', huge, { kind: 'delivered' }],
    ['500', answer(500), { kind: 'failed', reason: expect.stringMatching(/answered 500 Internal Server Error$/) }],
    ['503 with seconds', answer(503, { 'retry-after': '120' }), { kind: 'failed', retryAfterInMs: 120_000 }],
    ['503 with a date', inHalfAnHour, { kind: 'failed', retryAfterInMs: 1_800_000 }],
    ['429 with a day', answer(429, { 'retry-after': '86400' }), { kind: 'failed', retryAfterInMs: 3_600_000 }],
    ['425', answer(425), { kind: 'failed' }],
    ['408', answer(408), { kind: 'failed' }],
    ['a reset', reset, { kind: 'failed', reason: expect.stringMatching(/ECONNRESET/) }],
    ['302', answer(302, { location: 'http://127.0.0.1/' }), { kind: 'dead', reason: expect.stringMatching(/redirects are not followed$/) }],
    ['400', answer(400), { kind: 'dead' }],
    ['401', answer(401), { kind: 'dead' }],
    ['404', answer(404), { kind: 'dead' }],
    ['410', answer(410), { kind: 'dead', reason: expect.stringMatching(/answered 410 Gone$/) }],
  ])('maps the answer %s to its result', async (_what, reply, expected) => {
    await using receiver = await openReceiver(reply);
    const result = await targetFor(receiver).deliver(deliveryToHook(receiver), neverAborted);
    expect(result).toMatchObject(expected);
    expect(JSON.stringify(result)).not.toContain('canary');
  });

  test('fails after the time limit of its connection when the answer never comes', async () => {
    await using receiver = await openReceiver(() => {});
    const result = await targetFor(receiver, { timeoutInMs: 200 }).deliver(deliveryToHook(receiver), neverAborted);
    expect(result).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/did not answer within 200 ms$/) });
    expect(JSON.stringify(result)).not.toContain('canary');
  });

  test('is dead at an address that is not public, and makes no connection', async () => {
    await using receiver = await openReceiver();
    expect(await targetFor(receiver, { allowPrivate: false }).deliver(deliveryToHook(receiver), neverAborted)).toEqual({
      kind: 'dead',
      reason: 'param.url may not be used: 127.0.0.1 is not at a public address by connection "http"',
    });
    expect(receiver.connections).toBe(0);
  });

  test('is not sent when its secret cannot be read or is invalid', async () => {
    await using receiver = await openReceiver();
    const missing = targetFor(receiver, { secret: { file: '/nowhere/canary' } });
    expect(await missing.deliver(deliveryToHook(receiver), neverAborted)).toEqual({
      kind: 'failed',
      reason: 'insufficient permission: connection "http" cannot be used: its secret cannot be read from the file /nowhere/canary',
    });
    const weak = targetFor(receiver, { secret: { env: 'SEQUENT_TEST_PASSWORD' } });
    expect(await weak.deliver(deliveryToHook(receiver), neverAborted)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('is not "whsec_" and 24 to 64 bytes in base64'),
    });
    expect(receiver.connections).toBe(0);
  });

  test('sends secrets only to the hosts of its connection, checked when configured and at each delivery', async () => {
    await using receiver = await openReceiver();
    await using other = await openReceiver();
    const target = targetFor(receiver, { hosts: ['hooks.example.com', '*.example.org'], ports: [other.port] });
    const problem = 'param.url must be at a host of connection "http": hooks.example.com, *.example.org';
    for (const url of ['https://example.org/', 'https://hooks.example.com.evil.net/', 'https://evilexample.org/', other.url])
      expect(target.refuse(JSON.stringify({ url }), 'orders')).toBe(problem);
    for (const url of ['https://hooks.example.com/x', 'https://HOOKS.example.com/x', 'https://a.b.example.org/'])
      expect(target.refuse(JSON.stringify({ url }), 'orders')).toBeUndefined();
    expect(await target.deliver(deliveryTo('HTTP', { url: other.url }), neverAborted)).toEqual({ kind: 'dead', reason: problem });
    expect(other.received).toEqual([]);
  });

  test('refuses a configuration without a connection, and an http URL that the connection does not allow', () => {
    const http = createVettedHttp();
    const bare = createHttpTarget({ connections: connectionsOf({}), http });
    expect(bare.refuse('{"url":"https://example.com/"}', 'orders')).toBe(
      'insufficient permission: no connection "http" of the kind "http" is configured',
    );
    const strict = createHttpTarget({ connections: connectionsOf({ http: { kind: 'http' } }), http });
    expect(strict.refuse('{"url":"https://example.com/"}', 'orders')).toBeUndefined();
    expect(strict.refuse('{"url":"http://example.com/"}', 'orders')).toBe(
      'param.url must be an https URL: connection "http" does not allow http',
    );
    expect(strict.refuse('{"url":"https://a:b@example.com/"}', 'orders')).toBe('param.url must not hold a user or a password');
    expect(strict.refuse('{"url":"ftp://example.com/"}', 'orders')).toBe('param.url must be an http or https URL');
    expect(strict.limitKeyOf({ id: 'http-0', destination: 'HTTP', param: '{"url":"https://example.com/a?token=canary"}' })).toBe(
      'HTTP https://example.com',
    );
  });
});
