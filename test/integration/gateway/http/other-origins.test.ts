import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningGateway, startGateway } from '#src/gateway/gateway.ts';
import { type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';
import { sendRaw } from '#test/support/gateway/raw-socket.ts';
import { type WritingRoute, writingRoutes } from '#test/support/gateway/writing-routes.ts';

const TOKEN = 'the token of this test';
const credentials = [{ project: 'p1', tokenHash: createHash('sha256').update(TOKEN).digest() }];
const values = { project: 'p1', urn: 'test1', name: 'test1' };

type Served = { opened: OpenedApp; gateway: RunningGateway; host: string; routes: WritingRoute[] };

async function serve(choices: Parameters<typeof openApp>[0] = {}): Promise<Served> {
  const opened = await openApp(choices);
  await opened.registry.put({ name: 'test1', handler: { kind: 'inline' } });
  const gateway = await startGateway(opened.options, { host: '127.0.0.1', port: 0, isPortNegotiable: true });
  return { opened, gateway, host: new URL(gateway.url).host, routes: writingRoutes(opened.app, values) };
}

let open: Served;
let closed: Served;
let session: string;
beforeAll(async () => {
  [open, closed] = await Promise.all([serve(), serve({ credentials })]);
  const signedIn = await fetch(`${closed.gateway.url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: TOKEN }),
  });
  session = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
});
afterAll(() => Promise.all([open, closed].map(({ gateway }) => gateway.stop(0))));

/** The status with which each writing route answers raw bytes, without a client library. */
async function statusesOf({ host, routes }: Served, lines: readonly string[], body = '{}'): Promise<Map<string, number>> {
  const statuses = new Map<string, number>();
  for (const { method, path } of routes) {
    const named = lines.some((line) => line.startsWith('Host:')) ? [] : [`Host: ${host}`];
    const sent = lines.map((line) => (line === OWN_ORIGIN ? `Origin: http://${host}` : line));
    const head = [`${method} ${path} HTTP/1.1`, ...named, ...sent, `Content-Length: ${body.length}`, 'Connection: close', '', ''];
    const answer = await sendRaw(Number(host.split(':')[1]), head.join('\r\n') + body);
    statuses.set(`${method} ${path}`, Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]));
  }
  return statuses;
}

const all = ({ routes }: Served, status: number): Map<string, number> =>
  new Map(routes.map(({ method, path }) => [`${method} ${path}`, status]));

const json = 'Content-Type: application/json';
const plain = 'Content-Type: text/plain';
/** Stands for the origin of the gateway that is asked. */
const OWN_ORIGIN = 'Origin: own';
const hostile: [string, number, string[]][] = [
  ['another port, as text', 403, [plain, 'Origin: http://localhost:3000', 'Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: no-cors']],
  ['another port, as a form', 403, ['Content-Type: application/x-www-form-urlencoded', 'Origin: http://127.0.0.1:3000']],
  ['another port, as JSON', 403, [json, 'Origin: http://127.0.0.1:3000']],
  ['another port, with its site only', 403, [json, 'Sec-Fetch-Site: same-site']],
  ['another site', 403, [json, 'Origin: https://evil.example', 'Sec-Fetch-Site: cross-site']],
  ['a sandboxed frame', 403, [json, 'Origin: null']],
  ['a rebound name', 403, [json, 'Host: evil.example', 'Origin: http://evil.example']],
  ['a rebound name without an origin', 403, [json, 'Host: evil.example:8080']],
  ['an own page, as text', 415, [plain, OWN_ORIGIN]],
  ['an own page, as a form', 415, ['Content-Type: application/x-www-form-urlencoded', OWN_ORIGIN]],
  ['an own page, as multipart', 415, ['Content-Type: multipart/form-data; boundary=x', OWN_ORIGIN]],
  ['an own page, as bytes without a type', 415, [OWN_ORIGIN]],
  ['an unknown page, as text', 415, [plain, 'Sec-Fetch-Site: none']],
  ['an unknown page, as a form with a cookie', 415, ['Content-Type: multipart/form-data; boundary=x', 'Cookie: a=b']],
  ['an unknown page, as bytes without a type', 415, ['Sec-Fetch-Site: none']],
];

describe('every writing route', () => {
  test('is listed by the router: the routes of both APIs and of the session', () => {
    const names = open.routes.map(({ method, path }) => `${method} ${path}`);
    expect(names).toEqual(
      expect.arrayContaining([
        'POST /api/session',
        'PUT /api/functions/test1',
        'POST /api/functions/test1/invocations',
        'POST /v2/p1/fgs/functions',
        'POST /v2/p1/fgs/functions/test1/invocations',
        'DELETE /v2/p1/fgs/functions/test1',
      ]),
    );
  });

  test.for(hostile)('refuses %s and changes nothing', async ([, status, lines]) => {
    const before = [open.opened.sent.length, await open.opened.registry.list()];
    expect(await statusesOf(open, lines)).toEqual(all(open, status));
    expect([open.opened.sent.length, await open.opened.registry.list()]).toEqual(before);
  });

  test.for(hostile)('refuses %s even with a session', async ([, status, lines]) => {
    expect(await statusesOf(closed, [...lines, `Cookie: ${session}`])).toEqual(all(closed, status));
  });

  // A program with the token may use any name of the gateway, and sends none of these headers.
  test.for(hostile.filter(([, , lines]) => lines.some((line) => /^(?:Origin|Sec-|Cookie)/.test(line))))(
    'refuses %s also with a token',
    async ([, status, lines]) => {
      expect(await statusesOf(closed, [...lines, `X-Auth-Token: ${TOKEN}`])).toEqual(all(closed, status));
    },
  );

  test('refuses a session without the proof of an own page', async () => {
    const own = closed.routes.filter(({ path }) => path.startsWith('/api/') && path !== '/api/session');
    const statuses = await statusesOf({ ...closed, routes: own }, [json, `Cookie: ${session}`]);
    expect(statuses).toEqual(all({ ...closed, routes: own }, 403));
  });

  test('refuses neither curl nor an own page for its origin', async () => {
    const own = [json, `Origin: ${open.gateway.url}`, 'Sec-Fetch-Site: same-origin'];
    for (const lines of [['Content-Type: application/x-www-form-urlencoded'], own]) {
      const statuses = [...(await statusesOf(open, lines)).values()];
      expect(statuses.filter((status) => status === 403 || status === 415)).toEqual([]);
    }
    expect(open.opened.sent.length).toBeGreaterThan(0);
  });
});
