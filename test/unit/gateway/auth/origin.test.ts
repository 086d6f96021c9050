import { beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '#src/gateway/app.ts';
import { openGateway } from '#src/gateway/gateway.ts';
import { type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';
import { writingRoutes } from '#test/support/gateway/writing-routes.ts';

const SITE = 'http://localhost:8080';
const path = '/v2/p1/fgs/functions/test1/invocations-async';
const credentials = [{ project: 'p1', accessKey: 'AK', secretKey: 'SK' }];
const json = { 'content-type': 'application/json' };
const plain = { 'content-type': 'text/plain' };

type Headers = Record<string, string>;
let opened: OpenedApp;
beforeEach(async () => {
  opened = await openApp();
  await opened.registry.put({ name: 'test1', handler: { kind: 'inline' } });
});

/** The status of an invocation that is sent to this address of the gateway. */
async function invoke(headers: Headers, site = SITE, app = opened.app): Promise<number> {
  return (await app.request(site + path, { method: 'POST', body: '{}', headers })).status;
}

describe('a request to a gateway without credentials', () => {
  test.for<[string, Headers, string]>([
    ['from curl, with the type of a form', { 'content-type': 'application/x-www-form-urlencoded' }, SITE],
    ['from a script of Node, with the type of a text', { ...plain, 'sec-fetch-mode': 'cors' }, SITE],
    ['from an own page', { ...json, origin: SITE, 'sec-fetch-site': 'same-origin' }, SITE],
    ['from an own page in a browser that sends no Sec-Fetch-Site', { ...json, origin: 'http://127.0.0.1:8080' }, 'http://127.0.0.1:8080'],
    ['from an own page over IPv6', { ...json, origin: 'http://[::1]:8080' }, 'http://[::1]:8080'],
    ['through a forwarded port', { ...json, origin: 'http://localhost:9000' }, 'http://localhost:9000'],
    ['that the user of a browser started', { ...json, 'sec-fetch-site': 'none' }, SITE],
    ['with a charset', { 'content-type': 'application/json; charset=utf-8', origin: SITE }, SITE],
  ])('%s is accepted', async ([, headers, site]) => {
    expect(await invoke(headers, site)).toBe(202);
  });

  test.for<[string, Headers, string]>([
    ['of another port of this machine', { ...json, origin: 'http://localhost:3000' }, SITE],
    ['of another port, which a browser classifies as the same site', { ...json, 'sec-fetch-site': 'same-site' }, SITE],
    ['of another site', { ...json, 'sec-fetch-site': 'cross-site' }, SITE],
    ['of another name of this machine', { ...json, origin: 'http://127.0.0.1:8080' }, SITE],
    ['over TLS, which this gateway does not serve', { ...json, origin: 'https://localhost:8080' }, SITE],
    ['of an opaque origin', { ...json, origin: 'null' }, SITE],
    ['of an origin that begins like the own one', { ...json, origin: `${SITE}.evil.example` }, SITE],
    ['under a name that resolves to this machine', { ...json, origin: 'http://evil.example' }, 'http://evil.example'],
    ['under such a name, in a browser that sends no origin', json, 'http://evil.example'],
    ['under a name that begins like loopback', json, 'http://127.0.0.1.evil.example'],
    ['under an address of another machine', json, 'http://10.0.0.1:8080'],
    [
      'that navigates to a writing route',
      { ...json, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      SITE,
    ],
  ])('from a page %s is refused', async ([, headers, site]) => {
    expect(await invoke(headers, site)).toBe(403);
    expect(opened.sent).toEqual([]);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/json', 'application/jsonp'])(
    'of a browser with a body of the type %s is refused, for each header that only browsers send',
    async (type) => {
      for (const browser of [{ origin: SITE }, { 'sec-fetch-site': 'none' }, { cookie: 'a=b' }])
        expect(await invoke({ 'content-type': type, ...browser } as Headers)).toBe(415);
      expect(opened.sent).toEqual([]);
    },
  );

  test('of a browser with a body without a type is refused, and without a body it is accepted', async () => {
    const send = (headers: Headers) => opened.app.request(SITE + path, { method: 'POST', headers: { origin: SITE, ...headers } });
    expect((await send({ 'content-length': '2' })).status).toBe(415);
    expect((await send({ 'transfer-encoding': 'chunked' })).status).toBe(415);
    const cancelled = await opened.app.request(`${SITE}/api/session`, { method: 'DELETE', headers: { origin: SITE } });
    expect(cancelled.status).toBe(204);
  });
});

describe('a read', () => {
  const read = async (target: string, headers: Headers = {}) => await opened.app.request(target, { headers });
  const paths = ['/', '/api/functions', '/api/session', '/api/machine', '/metrics', '/openapi.json', '/v2/p1/fgs/functions', '/nowhere'];

  test.each(paths)('%s under a rebound name, or from another origin, is refused without CORS headers', async (target) => {
    const answers = await Promise.all([
      read(`http://evil.example${target}`),
      read(SITE + target, { origin: 'http://localhost:3000' }),
      read(SITE + target, { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }),
      opened.app.request(SITE + target, { method: 'OPTIONS', headers: { origin: 'http://localhost:3000' } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    for (const { headers } of answers) expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('is allowed to a link of another site that opens a document, and refused to a frame', async () => {
    const opens = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await read(`${SITE}/api/machine`, opens)).status).toBe(200);
    expect((await read(`${SITE}/api/machine`, { ...opens, 'sec-fetch-dest': 'iframe' })).status).toBe(403);
  });

  test('the probes of the gateway are allowed under any name', async () => {
    expect((await read('http://gateway.cluster.local/healthz')).status).toBe(200);
  });
});

describe('a gateway with credentials', () => {
  const proxied = 'https://sequent.example';
  const open = async (origins: string[] = []) => {
    const { options } = await openApp({ credentials });
    return createApp(await openGateway({ ...options, origins }, new AbortController().signal, '0.0.0.0'));
  };
  // No credential has this token, so 401 proves that the request passed the rules of origins.
  const token = { ...json, 'x-auth-token': 'no token' };

  test('authenticates a program under any name, and refuses a page under an unknown name', async () => {
    const app = await open();
    expect(await invoke(token, 'http://gateway.cluster.local:8080', app)).toBe(401);
    expect(await invoke({ ...token, origin: 'http://gateway.cluster.local:8080' }, 'http://gateway.cluster.local:8080', app)).toBe(403);
    expect(await invoke(json, 'http://gateway.cluster.local:8080', app)).toBe(403);
    expect((await app.request('http://gateway.cluster.local:8080/login')).status).toBe(403);
  });

  test('accepts every address as Host, since an address cannot be rebound', async () => {
    const app = await open();
    expect(await invoke({ ...json, origin: 'http://10.0.0.1:8080' }, 'http://10.0.0.1:8080', app)).toBe(401);
    expect(await invoke({ ...json, origin: 'http://10.0.0.1:3000' }, 'http://10.0.0.1:8080', app)).toBe(403);
  });

  test('accepts the origin of its proxy, with or without a forwarded Host, and refuses its name without TLS', async () => {
    const app = await open([proxied]);
    const site = 'http://sequent.example';
    expect(await invoke({ ...json, origin: proxied, 'sec-fetch-site': 'same-origin' }, site, app)).toBe(401);
    expect(await invoke({ ...json, origin: proxied, 'sec-fetch-site': 'same-origin' }, 'http://127.0.0.1:8080', app)).toBe(401);
    expect(await invoke({ ...json, origin: site }, site, app)).toBe(403);
    expect(await invoke({ ...json, origin: 'https://other.example' }, site, app)).toBe(403);
  });

  test('accepts the configured name that it listens on', async () => {
    const { options } = await openApp({ credentials });
    const app = createApp(await openGateway(options, new AbortController().signal, 'gateway.internal'));
    expect(await invoke({ ...json, origin: 'http://gateway.internal:8080' }, 'http://gateway.internal:8080', app)).toBe(401);
  });
});

test('every writing route refuses the page of another port, before it reads the body', async () => {
  const routes = writingRoutes(opened.app, { project: 'p1', urn: 'test1', name: 'test1' });
  expect(routes.length).toBeGreaterThan(25);
  for (const { method, path: target } of routes) {
    const body = new ReadableStream(
      {
        pull() {
          throw new Error('the body is read');
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { ...plain, origin: 'http://localhost:3000' };
    const answer = await opened.app.request(SITE + target, { method, headers, body, duplex: 'half' } as RequestInit);
    expect([method, target, answer.status]).toEqual([method, target, 403]);
  }
});
