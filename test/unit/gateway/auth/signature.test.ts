import { beforeAll, describe, expect, test } from 'vitest';
import { F, local, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';
import { sdkDate, sign } from '#test/support/gateway/signer.ts';

const keys = { ak: 'AKTEST', sk: 'the secret key' };
const credentials = [
  {
    project: 'p1',
    accessKey: keys.ak,
    secretKey: keys.sk,
    tokenHash: Buffer.from('3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0', 'hex'),
  },
  { project: 'p1', accessKey: 'TEMPORARY', secretKey: 'another key', securityToken: 'the security token' },
];
const NOW = Date.parse('2026-11-24T12:00:00Z');
const path = `${F}/urn:fss:local:p1:function:default:test1:latest/invocations-async`;
const BODY = '{"k":"v","n":"中"}';

let opened: OpenedApp;
beforeAll(async () => {
  opened = await openApp({ credentials });
  await opened.registry.put({ name: 'test1', handler: { kind: 'inline' } });
});

type Request = { method: string; target: string; headers: Record<string, string>; body: string };

let count = 0;
/** A signed call like the SDK's. All calls differ, so none is a replay of another. */
function signedCall({ at = NOW, signer = keys, extra = {} as Record<string, string>, query = {} as Record<string, string> } = {}): Request {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    host: '127.0.0.1',
    'x-project-id': 'p1',
    'x-sdk-date': sdkDate(at),
    'x-nonce': String(count++),
    ...extra,
  };
  const authorization = sign({ method: 'POST', path, query, headers, body: BODY }, signer);
  const search = Object.entries(query)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join('&');
  return { method: 'POST', target: path + (search === '' ? '' : `?${search}`), headers: { ...headers, authorization }, body: BODY };
}

async function statusOf({ method, target, headers, body }: Request): Promise<number> {
  return (await opened.app.request(local(target), { method, headers, body })).status;
}

describe('a signature', () => {
  test('of an independent signer is accepted, with the URN raw or percent-encoded, and a query in any order', async () => {
    expect(await statusOf(signedCall())).toBe(202);
    const encoded = signedCall();
    expect(await statusOf({ ...encoded, target: encoded.target.replaceAll(':', '%3A') })).toBe(202);
    expect(await statusOf(signedCall({ query: { zeta: '1 2', alpha: "it's (ü)*!~", marker: '' } }))).toBe(202);
  });

  test('is refused with 401 when any byte of it, of a signed header or of the body is changed', async () => {
    const call = signedCall();
    const changed: Request[] = [];
    for (const name of Object.keys(call.headers)) {
      const value = call.headers[name] ?? '';
      for (let at = 0; at < value.length; at++) changed.push({ ...call, headers: { ...call.headers, [name]: flip(value, at) } });
    }
    for (let at = 0; at < BODY.length; at++) changed.push({ ...call, body: flip(BODY, at) });
    changed.push(
      { ...call, body: '' },
      { ...call, body: `${BODY} ` },
      { ...call, target: `${path}?a=b` },
      { ...call, target: path.replace('test1', 'test2') },
    );
    const statuses = new Set<number>();
    for (const request of changed) statuses.add(await statusOf(request));
    expect(changed.length).toBeGreaterThan(200);
    expect([...statuses]).toEqual([401]);
    expect(await statusOf(call)).toBe(202);
  });

  test('is refused when the host or a given Idempotency-Key is not signed', async () => {
    const withoutHost = { 'content-type': 'application/json', 'x-sdk-date': sdkDate(NOW), 'x-nonce': String(count++) };
    const authorization = sign({ method: 'POST', path, headers: withoutHost, body: BODY }, keys);
    expect(
      await statusOf({ method: 'POST', target: path, headers: { ...withoutHost, host: '127.0.0.1', authorization }, body: BODY }),
    ).toBe(401);
    const call = signedCall();
    expect(await statusOf({ ...call, headers: { ...call.headers, 'idempotency-key': 'a-key' } })).toBe(401);
    expect(await statusOf(signedCall({ extra: { 'idempotency-key': 'a-key' } }))).toBe(202);
  });

  test('is refused when it is dated more than 15 minutes from now, and accepted just within', async () => {
    for (const at of [NOW - 15 * 60_000, NOW + 15 * 60_000]) expect(await statusOf(signedCall({ at }))).toBe(202);
    for (const at of [NOW - 901_000, NOW + 901_000]) expect(await statusOf(signedCall({ at }))).toBe(401);
  });

  test('is refused when its date is unsigned or missing', async () => {
    const call = signedCall();
    const unsigned = {
      ...call,
      headers: { ...call.headers, authorization: (call.headers.authorization ?? '').replace(';x-sdk-date', '') },
    };
    expect(await statusOf(unsigned)).toBe(401);
    const { authorization: _, ...headers } = call.headers;
    expect(await statusOf({ ...call, headers })).toBe(401);
  });

  test('is accepted again within the same second, and is a replay after that second', async () => {
    const call = signedCall();
    expect(await statusOf(call)).toBe(202);
    opened.at(NOW + 900);
    expect(await statusOf(call)).toBe(202);
    opened.at(NOW + 2_100);
    expect(await statusOf(call)).toBe(401);
    opened.at(NOW);
  });

  test('of temporary keys needs their signed security token', async () => {
    const signer = { ak: 'TEMPORARY', sk: 'another key' };
    const extra = { 'x-security-token': 'the security token' };
    expect(await statusOf(signedCall({ signer, extra }))).toBe(202);
    expect(await statusOf(signedCall({ signer }))).toBe(401);
    expect(await statusOf(signedCall({ signer, extra: { 'x-security-token': 'another one' } }))).toBe(401);
    expect(await statusOf(signedCall({ extra }))).toBe(401);
    const call = signedCall({ signer });
    expect(await statusOf({ ...call, headers: { ...call.headers, ...extra } })).toBe(401);
  });

  test('is refused if the body claims to be unsigned', async () => {
    for (const claimed of ['UNSIGNED-PAYLOAD', '0'.repeat(64)])
      expect(await statusOf(signedCall({ extra: { 'x-sdk-content-sha256': claimed } }))).toBe(401);
  });
});

describe('a token', () => {
  const ask = async (headers: Record<string, string>, to = path): Promise<number> =>
    statusOf({ method: 'POST', target: to, headers, body: BODY });

  test('is accepted in X-Auth-Token and as a bearer token, although the gateway has only its hash', async () => {
    expect(await ask({ 'x-auth-token': 'token' })).toBe(202);
    expect(await ask({ authorization: 'Bearer token' })).toBe(202);
    expect(await ask({ 'x-auth-token': 'Token' })).toBe(401);
    expect(await ask({ 'x-auth-token': '' })).toBe(401);
    expect(await ask({})).toBe(401);
  });

  test('of one project is refused with 403 in the path or the URN of another', async () => {
    expect(await ask({ 'x-auth-token': 'token' }, path.replace('/v2/p1/', '/v2/p2/'))).toBe(403);
    expect(await ask({ 'x-auth-token': 'token' }, path.replace(':p1:', ':p2:'))).toBe(403);
  });

  test('is required everywhere except by the probes and the OpenAPI document', async () => {
    for (const open of ['/healthz', '/readyz', '/openapi.json']) expect((await opened.app.request(local(open))).status).toBe(200);
    for (const closed of ['/metrics', '/api/functions', '/api/transitions', F])
      expect((await opened.app.request(local(closed))).status).toBe(401);
  });
});

/** The text with one character replaced by another one that a header may contain. */
function flip(text: string, at: number): string {
  const code = text.charCodeAt(at);
  return (
    text.slice(0, at) +
    String.fromCharCode(code === 0x7e ? 0x21 : code > 0x7e ? code + 1 : code === 0x20 ? 0x5f : code + 1) +
    text.slice(at + 1)
  );
}
