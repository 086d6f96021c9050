import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { createObsTarget } from '#src/destinations/targets/huawei/obs.ts';
import {
  accessKeyId,
  canaries,
  canariesIn,
  connectionsOf,
  deliveryTo,
  envelope,
  neverAborted,
  plantCanaries,
  secretAccessKey,
} from '#test/support/destinations/deliveries.ts';
import { type Moto, startMoto } from '#test/support/destinations/moto.ts';
import { answer, openReceiver } from '#test/support/destinations/receiver.ts';
import { openSigningStore } from '#test/support/destinations/signing-store.ts';
import { freePort } from '#test/support/free-port.ts';

beforeAll(plantCanaries);

const keys = { accessKeyId: canaries.SEQUENT_TEST_ACCESS_KEY, secretAccessKey: canaries.SEQUENT_TEST_SECRET_KEY, region: 'us-east-1' };

function targetAt(endpoint: string, more: Record<string, unknown> = {}) {
  const connections = connectionsOf({ obs: { kind: 'obs', endpoint, accessKeyId, secretAccessKey, allowPrivate: true, ...more } });
  return createObsTarget({ connections, http: createVettedHttp() });
}

describe('the OBS target, against moto', () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
    await moto.createBucket('outcomes');
  });
  afterAll(async () => await moto[Symbol.asyncDispose]());

  test('stores the envelope under prefix, function, day of acceptance and request', async () => {
    const request = deliveryTo('OBS', { bucket: 'outcomes', prefix: 'failed/' }, { requestId: 'stored' });
    expect(await targetAt(moto.url).deliver(request, neverAborted)).toEqual({ kind: 'delivered' });
    const object = await moto.get('/outcomes/failed/orders/2026-11-24/stored.json');
    expect(await object.text()).toBe(envelope);
    expect(object.headers.get('content-type')).toBe('application/json');
    expect(object.headers.get('x-amz-meta-delivery-id')).toBe(request.deliveryId);
  });

  test('keeps the object of an earlier try, and counts as delivered', async () => {
    const target = targetAt(moto.url);
    const request = deliveryTo('OBS', { bucket: 'outcomes' }, { requestId: 'repeated' });
    await target.deliver(request, neverAborted);
    expect(await target.deliver({ ...request, try: 2, envelope: '{}' }, neverAborted)).toEqual({ kind: 'delivered' });
    expect(await (await moto.get('/outcomes/orders/2026-11-24/repeated.json')).text()).toBe(envelope);
  });

  test('stores one object for each of two projects that share a bucket, a name and a request id', async () => {
    const request = deliveryTo('OBS', { bucket: 'outcomes' }, { requestId: 'shared' });
    await targetAt(moto.url).deliver(request, neverAborted);
    await targetAt(moto.url).deliver({ ...request, functionName: 'b=orders', envelope: '{"of":"b"}' }, neverAborted);
    const keys = ['orders/2026-11-24/shared.json', 'b/orders/2026-11-24/shared.json'];
    const stored = await Promise.all(keys.map(async (key) => await (await moto.get(`/outcomes/${key}`)).text()));
    expect(stored).toEqual([envelope, '{"of":"b"}']);
  });

  test('keeps a prefix with characters that have a meaning in a URL', async () => {
    const request = deliveryTo('OBS', { bucket: 'outcomes', prefix: 'a b+c/%2e%2e/中?#/' }, { requestId: 'odd' });
    expect(await targetAt(moto.url).deliver(request, neverAborted)).toEqual({ kind: 'delivered' });
    const listing = await (await moto.get('/outcomes?prefix=a')).text();
    expect(listing).toContain('<Key>a b+c/%2e%2e/中?#/orders/2026-11-24/odd.json</Key>');
  });

  test('is dead when the bucket does not exist', async () => {
    expect(await targetAt(moto.url).deliver(deliveryTo('OBS', { bucket: 'nowhere' }), neverAborted)).toEqual({
      kind: 'dead',
      reason: 'OBS bucket "nowhere" of connection "obs" does not exist (404 NoSuchBucket)',
    });
  });
});

describe('the OBS target, against a store that verifies signatures', () => {
  test('signs its requests, also with unusual characters in the key', async () => {
    await using store = await openSigningStore({ keys });
    const request = deliveryTo('OBS', { bucket: 'known', prefix: "it's (a) b+c!/中*/", expires: 30 }, { requestId: 'r' });
    expect(await targetAt(store.url).deliver(request, neverAborted)).toEqual({ kind: 'delivered' });
    const [object] = store.objects.values();
    expect(object).toMatchObject({ body: envelope, headers: { 'x-obs-expires': '30', 'if-none-match': '*' } });
  });

  test('is dead with that reason when the secret is wrong', async () => {
    await using store = await openSigningStore({ keys });
    const target = targetAt(store.url, { secretAccessKey: { env: 'SEQUENT_TEST_WRONG_KEY' } });
    const result = await target.deliver(deliveryTo('OBS', { bucket: 'known' }), neverAborted);
    expect(result).toEqual({
      kind: 'dead',
      reason: 'insufficient permission: OBS bucket "known" of connection "obs" refused the credentials (403 SignatureDoesNotMatch)',
    });
    expect(canariesIn(JSON.stringify(result))).toEqual([]);
  });

  test('is dead when the access key is not known', async () => {
    await using store = await openSigningStore({ keys: { ...keys, accessKeyId: 'other' } });
    expect(await targetAt(store.url).deliver(deliveryTo('OBS', { bucket: 'known' }), neverAborted)).toMatchObject({
      kind: 'dead',
      reason: expect.stringContaining('403 InvalidAccessKeyId'),
    });
  });

  test.each(['ignored', 'refused'] as const)('delivers to a store by which the condition is %s', async (condition) => {
    await using store = await openSigningStore({ keys, condition });
    const target = targetAt(store.url);
    const request = deliveryTo('OBS', { bucket: 'known' });
    expect(await target.deliver(request, neverAborted)).toEqual({ kind: 'delivered' });
    expect(await target.deliver({ ...request, try: 2 }, neverAborted)).toEqual({ kind: 'delivered' });
    expect(store.objects.size).toBe(1);
  });

  test('stores one object for two destinations of one outcome with the same key', async () => {
    await using store = await openSigningStore({ keys });
    const target = targetAt(store.url);
    const request = deliveryTo('OBS', { bucket: 'known' });
    const twin = { ...request, deliveryId: `${request.deliveryId}-twin` };
    const results = await Promise.all([target.deliver(request, neverAborted), target.deliver(twin, neverAborted)]);
    expect(results).toEqual([{ kind: 'delivered' }, { kind: 'delivered' }]);
    expect(store.objects.size).toBe(1);
  });

  test('uses a changed secret at once, without a restart', async () => {
    await using store = await openSigningStore({ keys });
    const target = targetAt(store.url, { secretAccessKey: { env: 'SEQUENT_TEST_ROTATED' } });
    const deliver = () => target.deliver(deliveryTo('OBS', { bucket: 'known' }), neverAborted);
    expect(await deliver()).toEqual({
      kind: 'failed',
      reason:
        'insufficient permission: connection "obs" cannot be used: its secretAccessKey cannot be read from the environment variable SEQUENT_TEST_ROTATED',
    });
    process.env.SEQUENT_TEST_ROTATED = canaries.SEQUENT_TEST_SECRET_KEY;
    expect(await deliver()).toEqual({ kind: 'delivered' });
    delete process.env.SEQUENT_TEST_ROTATED;
  });
});

describe('the OBS target', () => {
  test.each([
    [503, { 'retry-after': '7' }, { kind: 'failed', retryAfterInMs: 7_000 }],
    [429, {}, { kind: 'failed' }],
    [408, {}, { kind: 'failed' }],
    [500, {}, { kind: 'failed' }],
    [409, {}, { kind: 'failed' }],
    [304, {}, { kind: 'delivered' }],
    [301, { location: 'http://127.0.0.1/' }, { kind: 'dead' }],
    [401, {}, { kind: 'dead' }],
    [400, {}, { kind: 'dead' }],
  ])('after the answer %i %o it is %o', async (status, headers, expected) => {
    await using receiver = await openReceiver(answer(status, headers));
    const result = await targetAt(receiver.url).deliver(deliveryTo('OBS', { bucket: 'known' }), neverAborted);
    expect(result).toMatchObject(expected);
    expect(receiver.received).toHaveLength(1);
  });

  test('fails when no process listens, so it is tried again', async () => {
    const target = targetAt(`http://127.0.0.1:${await freePort()}`);
    expect(await target.deliver(deliveryTo('OBS', { bucket: 'known' }), neverAborted)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('puts the bucket before a host name', async () => {
    await using receiver = await openReceiver();
    const asked: string[] = [];
    const http = createVettedHttp({
      resolve: async (host) => {
        asked.push(host);
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    const endpoint = `http://obs.cn-north-4.example.com:${receiver.port}`;
    const connections = connectionsOf({ obs: { kind: 'obs', endpoint, accessKeyId, secretAccessKey, allowPrivate: true } });
    await createObsTarget({ connections, http }).deliver(deliveryTo('OBS', { bucket: 'known' }), neverAborted);
    expect(asked).toEqual(['known.obs.cn-north-4.example.com']);
    expect(receiver.received[0]?.headers.authorization).toContain('/cn-north-4/s3/aws4_request');
  });

  test('refuses a configuration without a connection', () => {
    const target = createObsTarget({ connections: connectionsOf({}), http: createVettedHttp() });
    expect(target.refuse('{"bucket":"known"}', 'orders')).toBe(
      'insufficient permission: no connection "obs" of the kind "obs" is configured',
    );
    expect(target.refuse('{"bucket":"known","connection":"mine"}', 'orders')).toBe(
      'insufficient permission: no connection "mine" of the kind "obs" is configured',
    );
  });

  test.each([
    ['{', 'param must be a text that holds JSON'],
    ['{}', 'param.bucket must be a string'],
    ['{"bucket":"A"}', 'param.bucket must be 3 to 63 lower-case letters, digits, "-" or "."'],
    ['{"bucket":"a/../b"}', 'param.bucket must be 3 to 63 lower-case letters, digits, "-" or "."'],
    ['{"bucket":"known","prefix":"../other/"}', 'param.prefix must not hold the steps "." and ".."'],
    ['{"bucket":"known","prefix":"a/./"}', 'param.prefix must not hold the steps "." and ".."'],
    ['{"bucket":"known","prefix":"a\\r\\nb"}', 'param.prefix must not hold control characters'],
    ['{"bucket":"known","expires":366}', 'param.expires must be at most 365'],
    ['{"bucket":"known","expires":1.5}', 'param.expires must be a whole number'],
  ])('refuses %s', (param, problem) => {
    expect(targetAt('http://127.0.0.1:1').refuse(param, 'orders')).toBe(problem);
  });

  test('has one limit key for each bucket of a connection', () => {
    const target = targetAt('http://127.0.0.1:1');
    const limitKeyOf = (param: string) => target.limitKeyOf({ id: 'obs-0', destination: 'OBS', param });
    expect(limitKeyOf('{"bucket":"known","prefix":"a"}')).toBe('OBS obs/known');
    expect(limitKeyOf('{"bucket":"other"}')).toBe('OBS obs/other');
  });
});
