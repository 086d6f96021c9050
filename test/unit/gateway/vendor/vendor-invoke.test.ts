import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { LogFullError, UnknownOutcomeError } from '#src/core/errors.ts';
import { createStreamId, idAt } from '#src/core/names/ids.ts';
import { ask as askApp, expectError, F, local, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';

let opened: OpenedApp;
beforeEach(async () => {
  opened = await openApp();
  await opened.registry.put({ name: 'test1', handler: { kind: 'inline' } });
});

const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  askApp(opened, method, path, { body, headers });
const invoke = (body: unknown, path = `${F}/test1/invocations-async`) => ask('POST', path, body);

describe('asyncInvokeFunction', () => {
  test('replies 202 with only a uuid, a new one for every call', async () => {
    const ids = new Set<string>();
    for (let call = 0; call < 3; call++) {
      const response = await invoke({ k: 'v' });
      expect(response.status).toBe(202);
      const answer = (await response.json()) as { request_id: string };
      expect(Object.keys(answer)).toEqual(['request_id']);
      expect(answer.request_id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      ids.add(answer.request_id);
    }
    expect(ids.size).toBe(3);
    expect(opened.sent.map(({ payload }) => payload)).toEqual(['{"k":"v"}', '{"k":"v"}', '{"k":"v"}']);
  });

  test.for([
    'test1',
    'default:test1',
    'p1:default:test1',
    'p1:default:test1:latest',
    'urn:fss:local:p1:function:default:test1',
    'urn:fss:local:p1:function:default:test1:latest',
  ])('reaches the function by %s, raw and percent-encoded', async (urn) => {
    for (const form of [urn, encodeURIComponent(urn), urn.replaceAll(':', '%3a')])
      expect((await invoke({}, `${F}/${form}/invocations-async`)).status).toBe(202);
    expect(opened.sent.map(({ name }) => name)).toEqual(['test1', 'test1', 'test1']);
  });

  test.for<[string, string, number, string]>([
    ['an unknown function', 'nobody', 404, 'FSS.1051'],
    ['an unknown version', 'p1:default:test1:v7', 404, 'FSS.1052'],
    ['an unknown alias', 'p1:default:test1:!stable', 404, 'FSS.1053'],
    ['an unknown alias, percent-encoded', 'urn%3Afss%3Alocal%3Ap1%3Afunction%3Adefault%3Atest1%3A%21stable', 404, 'FSS.1053'],
    ['an invalid URN', 'urn:fss:x', 400, 'FSS.1309'],
    ['a URN of five parts', 'p2:default:test1:latest:x', 400, 'FSS.1309'],
    ['a URN of six parts', 'urn:fss:local:p2:function:default', 400, 'FSS.1309'],
    ['a URN of nine parts', 'urn:fss:local:p2:function:default:test1:latest:x', 400, 'FSS.1309'],
    ['a name that is a wildcard', '%3E', 400, 'FSS.1309'],
    ['a name with a dot', 'a.b', 400, 'FSS.1309'],
    ['a name with a line break', 'a%0D%0APUB', 400, 'FSS.1309'],
  ])('replies to %s with the error code of the vendor', async ([, urn, status, code]) => {
    await expectError(await invoke({}, `${F}/${urn}/invocations-async`), status, code);
    expect(opened.sent).toEqual([]);
  });

  test.for(['p2:default:test1:latest:x', 'urn:fss:local:p2:function:default', 'urn:fss:local:p2:function:default:test1:latest:x'])(
    'replies 400, not 403, to %s of another project: it is no URN',
    async (urn) => {
      const tokenHash = createHash('sha256').update('token').digest();
      opened = await openApp({ credentials: [{ project: 'p1', tokenHash }] });
      const headers = { 'x-auth-token': 'token' };
      await expectError(await ask('POST', `${F}/${urn}/invocations-async`, {}, headers), 400, 'FSS.1309');
      await expectError(await ask('POST', `${F}/p2:default:test1/invocations-async`, {}, headers), 403, 'FSS.0403');
    },
  );

  test('accepts 262,144 bytes, and refuses one more with 413 without queueing anything', async () => {
    const fill = (bytes: number): string => `"${'x'.repeat(bytes - 2)}"`;
    expect((await invoke(fill(262_144))).status).toBe(202);
    await expectError(await invoke(fill(262_145)), 413, 'FSS.0413');
    expect(opened.sent.length).toBe(1);
  });

  test.for<[string, string | Uint8Array<ArrayBuffer>]>([
    ['text that is not JSON', '{"a":'],
    ['bytes that are not UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['a hundred thousand levels', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['nothing', ''],
    ['white space', ' \n'],
  ])('refuses %s with 406, and queues nothing', async ([, body]) => {
    const response = await opened.app.request(local(`${F}/test1/invocations-async`), { method: 'POST', body });
    await expectError(response, 406, 'FSS.0406');
    expect(opened.sent).toEqual([]);
  });

  test('forwards any JSON value byte for byte, with keys like __proto__', async () => {
    const events = ['{"__proto__":{"polluted":true},  "constructor":1}', '[]', '0', '"text"', 'null'];
    for (const event of events) expect((await invoke(event)).status).toBe(202);
    expect(opened.sent.map(({ payload }) => payload)).toEqual(events);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('refuses a disabled function with 429, and accepts it again once it is enabled', async () => {
    const limit = (max_instance_num: number) => ask('PUT', `${F}/test1/config-max-instance`, { max_instance_num });
    expect(await (await limit(0)).json()).toMatchObject({ strategy_config: { concurrency: 0 } });
    await expectError(await invoke({}), 429, 'FSS.0429');
    expect(opened.sent).toEqual([]);
    await limit(-1);
    expect((await invoke({})).status).toBe(202);
  });

  test('refuses an unsupported memory size', async () => {
    const withMemory = (size: string) => ask('POST', `${F}/test1/invocations-async`, {}, { 'x-cff-instance-memory': size });
    await expectError(await withMemory('129'), 400, 'FSS.1007');
    expect((await withMemory('256')).status).toBe(202);
  });

  test('reports an unknown publish as unknown, with the key for a repetition', async () => {
    const member = idAt(createStreamId(1, new Uint8Array(8)), 3);
    opened = await openApp({
      invokeText: async (_, payload, id = '') => {
        throw new UnknownOutcomeError({ id: payload === '"alone"' ? id : member, waitedInMs: 1 });
      },
    });
    await opened.registry.put({ name: 'test1', handler: { kind: 'inline' } });
    const alone = await invoke('"alone"');
    expect([alone.status, alone.headers.get('retry-after')]).toEqual([503, '1']);
    const { error_msg } = (await alone.json()) as { error_msg: string };
    expect(error_msg).toMatch(/unknown whether request ([0-9a-f-]{36}) was accepted; .*"Idempotency-Key: \1"/);
    // The id of a request that shares a message may be the key of a further request.
    expect((await invoke('"shared"')).headers.get('idempotency-key')).toBe(`repeat-${member}`);
  });

  test('uses an Idempotency-Key as the request id, and refuses an invalid key', async () => {
    const withKey = (key: string) => ask('POST', `${F}/test1/invocations-async`, {}, { 'idempotency-key': key });
    expect(await (await withKey('order-7')).json()).toEqual({ request_id: 'order-7' });
    await expectError(await withKey('order 7'), 400, 'FSS.0400');
  });

  test('is refused with 503 and Retry-After while NATS is not connected, and when the log is full', async () => {
    const whenFull = async () => {
      throw new LogFullError({ why: 'disk' });
    };
    // A full log outlasts an outage.
    for (const [choices, seconds] of [
      [{ isConnected: () => false }, '1'],
      [{ invokeText: whenFull }, '10'],
    ] as const) {
      opened = await openApp(choices);
      await opened.registry.put({ name: 'test1', handler: { kind: 'inline' } });
      const response = await invoke({});
      expect(response.headers.get('retry-after')).toBe(seconds);
      await expectError(response, 503, 'FSS.0503');
    }
  });

  test('is refused with 429 and Retry-After while too many requests are in flight', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    opened = await openApp({ limits: { requestsInFlight: 2 }, invokeText: () => held });
    await opened.registry.put({ name: 'test1', handler: { kind: 'inline' } });
    const pending = [invoke({}), invoke({})];
    const response = await invoke({});
    expect(response.headers.get('retry-after')).toBe('1');
    await expectError(response, 429, 'FSS.0429');
    release();
    expect((await Promise.all(pending)).map(({ status }) => status)).toEqual([202, 202]);
    expect((await invoke({})).status).toBe(202);
  });
});

describe('other calls of the API', () => {
  test.for<[string, string]>([
    ['GET', `/v2/p1/fgs/triggers/test1`],
    ['POST', `/v2/p1/fgs/workflows`],
    ['POST', `${F}/enable-lts-logs`],
    ['GET', `${F}/reservedinstances`],
    ['GET', `${F}/statistics`],
    ['POST', `${F}/import`],
    ['GET', `${F}/test1/events`],
    ['GET', `${F}/test1/tracing`],
  ])('refuse %s %s with 501 in the shape of the vendor', async ([method, path]) => {
    await expectError(await ask(method, path, method === 'GET' ? undefined : {}), 501, 'FSS.0501');
  });

  test('have a request id in every reply, and the valid id of a caller is kept', async () => {
    const named = await ask('GET', '/v2/x', undefined, { 'x-request-id': 'mine-1' });
    expect(named.headers.get('x-request-id')).toBe('mine-1');
    for (const path of ['/healthz', '/nowhere', '/api/functions', `${F}/test1/config`]) {
      const response = await ask('GET', path, undefined, { 'x-request-id': 'a b' });
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});
