import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CredentialSet } from '#src/gateway/auth/credential-set.ts';
import { type RunningGateway, startGateway } from '#src/gateway/gateway.ts';
import { F, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';
import { drip, sendRaw, sendSlowly } from '#test/support/gateway/raw-socket.ts';

const path = `${F}/test1/invocations-async`;
let opened: OpenedApp;
let gateway: RunningGateway;
let port: number;
/** The gateway with short time limits. A delay of the test ends a request there, so only the tests of the limits use it. */
let hasty: RunningGateway;
let hastyPort: number;

beforeAll(async () => {
  opened = await openApp();
  await opened.registry.put({ name: 'test1', handler: { kind: 'inline' } });
  const listen = { host: '127.0.0.1', port: 0, isPortNegotiable: true };
  gateway = await startGateway(opened.options, listen);
  hasty = await startGateway(opened.options, { ...listen, headersTimeoutInMs: 300, requestTimeoutInMs: 700 });
  [port, hastyPort] = [gateway, hasty].map(({ url }) => Number(new URL(url).port)) as [number, number];
});
afterAll(async () => {
  for (const one of [gateway, hasty]) await one.stop(0);
});

const head = (lines: readonly string[], host = '127.0.0.1'): string =>
  [`POST ${path} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n');
const smuggled = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;

/** The status lines of all replies. */
function statusesIn(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}

async function isAlive(): Promise<boolean> {
  return (await fetch(`${gateway.url}/healthz`)).ok;
}

describe('a raw connection', () => {
  test('with valid HTTP is served, twice on one connection', async () => {
    const once = `${head(['Content-Type: application/json', 'Content-Length: 2'])}{}`;
    const answer = await sendRaw(port, once + once.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    expect(statusesIn(answer)).toEqual([202, 202]);
  });

  test.for<[string, string]>([
    ['a length and chunks', `${head(['Content-Length: 6', 'Transfer-Encoding: chunked'])}0\r\n\r\n${smuggled}`],
    ['chunks and a length', `${head(['Transfer-Encoding: chunked', 'Content-Length: 6'])}0\r\n\r\n${smuggled}`],
    ['two lengths that differ', `${head(['Content-Length: 2', 'Content-Length: 0'])}{}${smuggled}`],
    ['two lengths in one header', `${head(['Content-Length: 2, 2'])}{}${smuggled}`],
    ['a length with a sign', `${head(['Content-Length: +2'])}{}${smuggled}`],
    ['a hexadecimal length', `${head(['Content-Length: 0x2'])}{}${smuggled}`],
    ['a space before the colon', `${head(['Content-Length : 2'])}{}${smuggled}`],
    ['a folded header', `${head(['X-A: 1', ' Content-Length: 2'])}{}${smuggled}`],
    ['an unknown transfer coding', `${head(['Transfer-Encoding: xchunked'])}0\r\n\r\n${smuggled}`],
    ['chunked that is not the last coding', `${head(['Transfer-Encoding: chunked, identity'])}0\r\n\r\n${smuggled}`],
    ['an invalid chunk size', `${head(['Transfer-Encoding: chunked'])}-2\r\n{}\r\n0\r\n\r\n`],
    ['a chunk longer than its size', `${head(['Transfer-Encoding: chunked'])}1\r\n{}\r\n0\r\n\r\n`],
    ['a bare line feed in a chunk size', `${head(['Transfer-Encoding: chunked'])}2\n{}\r\n0\r\n\r\n`],
    ['a NUL in a header', head(['X-A: \0'])],
    ['no Host', `POST ${path} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}`],
    ['no HTTP at all', 'PUB invoke.test1 2\r\n{}\r\n'],
    ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('with %s gets at most one 400 and is closed, and no later request on it is processed', async ([, bytes]) => {
    const before = opened.sent.length;
    const answer = await sendRaw(port, Buffer.from(bytes, 'latin1'));
    const statuses = statusesIn(answer);
    expect(statuses.length).toBeLessThanOrEqual(1);
    for (const status of statuses) expect([400, 501]).toContain(status);
    expect(answer).not.toContain('"status":"ok"');
    expect(opened.sent.length).toBe(before);
    expect(await isAlive()).toBe(true);
  });

  test('with a Host that forms no URL, or names another machine, is refused', async () => {
    for (const host of ['127.0.0.1:http', 'a b', 'evil.example', '127.0.0.1@evil.example']) {
      const [status] = statusesIn(await sendRaw(port, `${head(['Content-Length: 2', 'Connection: close'], host)}{}`));
      expect([400, 403]).toContain(status);
    }
  });

  test.for([
    `${F}/../../../x`,
    `${F}/test1/../../../../metrics`,
    `${F}/%2e%2e/%2E%2E/x`,
    `${F}/..%2f..%2fx/config`,
    '/api/../v2/p1/fgs/functions',
    '/assets/..\\..\\secret',
    `${F}/..;/..;/x`,
    `${F}/%252e%252e/x`,
    `${F}//..//x`,
    `${F}//test1/config`,
    `//v2/p1/fgs/functions`,
    '/api//functions',
    '/api/functions%2Ftest1',
    `${F}%2ftest1%2Fconfig`,
    `${F}%5Ctest1`,
    'http://127.0.0.1/v2/p1/../../metrics',
    `http://127.0.0.1${F}//test1/config`,
  ])('whose path climbs, or has an empty segment or an encoded slash, gets 400: %s', async (climbing) => {
    const answer = await sendRaw(port, `GET ${climbing} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
    expect(statusesIn(answer)).toEqual([400]);
    if (climbing.startsWith('/v2/')) expect(answer).toContain('"error_code":"FSS.0400"');
  });

  test('that ends within its body queues nothing, and leaves the limit of requests', async () => {
    const narrow = await openApp({ limits: { requestsInFlight: 2 } });
    await narrow.registry.put({ name: 'test1', handler: { kind: 'inline' } });
    await using running = await startGateway(narrow.options, { host: '127.0.0.1', port: 0, isPortNegotiable: true }).then((started) => ({
      port: Number(new URL(started.url).port),
      [Symbol.asyncDispose]: () => started.stop(0),
    }));
    for (const lines of [['Content-Length: 9'], ['Transfer-Encoding: chunked']])
      for (let times = 0; times < 3; times++) await sendRaw(running.port, `${head(lines)}2\r\n{}`, { andHalfClose: true });
    const whole = `${head(['Content-Length: 2', 'Connection: close'])}{}`;
    await expect.poll(async () => statusesIn(await sendRaw(running.port, whole))).toEqual([202]);
    expect(narrow.sent).toHaveLength(1);
  });

  test('with endless headers is closed after the timeout of headers, even if it keeps sending', async () => {
    expect(statusesIn(await drip(hastyPort, `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: `, 50))).toEqual([408]);
  });

  test('with an endless body is closed after the timeout of a request, even if it keeps sending', async () => {
    expect(statusesIn(await drip(hastyPort, head(['Content-Length: 100000']), 50))).toEqual([408]);
  });

  test('with a batch that sends longer than a request may take is served, as its next request is', async () => {
    const batch = path.replace(`${F}/test1/invocations-async`, '/api/functions/test1/batches');
    const before = opened.sent.length;
    const start = `POST ${batch} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const next = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
    const lines = Array.from({ length: 20 }, () => '3\r\n{}\n\r\n');
    const answer = await sendSlowly(hastyPort, [start, ...lines, `0\r\n\r\n${next}`], 100);
    expect(statusesIn(answer)).toEqual([200, 200]);
    expect(answer).toMatch(/\{"type":"end","batch":"[\w-]+","accepted":20,"repeated":0,"refused":0,"unanswered":0\}/);
    expect(opened.sent.length).toBe(before + 20);
  });

  test('whose headers are larger than 16 KB gets 431', async () => {
    expect(statusesIn(await sendRaw(port, head([`X-Large: ${'x'.repeat(17_000)}`])))).toEqual([431]);
  });

  test('with 10 MB gets 413 and is closed, with a length or in chunks', async () => {
    const before = opened.sent.length;
    const large = Buffer.alloc(10_000_000, 0x20);
    const sized = Buffer.concat([Buffer.from(head([`Content-Length: ${large.length}`])), large]);
    const chunked = Buffer.concat([
      Buffer.from(`${head(['Transfer-Encoding: chunked'])}${large.length.toString(16)}\r\n`),
      large,
      Buffer.from('\r\n0\r\n\r\n'),
    ]);
    for (const bytes of [sized, chunked]) {
      const answer = await sendRaw(port, bytes);
      // A client that does not stop sending may see the reset before the reply.
      expect([[413], []]).toContainEqual(statusesIn(answer));
    }
    expect(opened.sent.length).toBe(before);
    expect(await isAlive()).toBe(true);
  });

  test('with a header or keys named __proto__ changes nothing else', async () => {
    const body = '{"__proto__":{"a":1},"constructor":{"prototype":{"a":1}}}';
    const headers = ['__proto__: x', 'constructor: y', `Content-Length: ${body.length}`, 'Connection: close'];
    expect(statusesIn(await sendRaw(port, head(headers) + body))).toEqual([202]);
    const config = `PUT ${F}/test1/async-invoke-config HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    expect(statusesIn(await sendRaw(port, config))).toEqual([200]);
    expect(({} as { a?: number }).a).toBeUndefined();
  });

  test('with too deeply nested JSON gets 406 on every path that reads JSON; some nesting is accepted', async () => {
    const nested = (levels: number, end = levels): string => '['.repeat(levels) + ']'.repeat(end);
    const send = async (method: string, to: string, body: string): Promise<number[]> => {
      const lines = ['Host: 127.0.0.1', 'Connection: close', `Content-Length: ${body.length}`];
      return statusesIn(await sendRaw(port, `${[`${method} ${to} HTTP/1.1`, ...lines, '', ''].join('\r\n')}${body}`));
    };
    const before = opened.sent.length;
    const paths: [string, string][] = [
      ['POST', path],
      ['PUT', `${F}/test1/async-invoke-config`],
      ['POST', F],
      ['POST', '/api/functions/test1/invocations'],
      ['POST', '/api/functions/test1/invocations?batch'],
      ['POST', '/api/redrive'],
      ['PUT', '/api/functions/test1'],
    ];
    for (const [method, to] of paths) {
      for (const body of [nested(100_000), nested(200_000, 0), `{"a":${nested(100_000)}}`])
        expect([to, await send(method, to, body)]).toEqual([to, [406]]);
    }
    expect(opened.sent.length).toBe(before);
    expect(await send('POST', '/api/functions/test1/invocations?batch', nested(2_000_000))).toEqual([406]);
    expect(await send('POST', path, nested(1_000))).toEqual([202]);
    expect(await send('POST', path, `"${'['.repeat(100_000)}"`)).toEqual([202]);
    expect(await isAlive()).toBe(true);
  });

  test('does not increase memory by two thousand large requests', async () => {
    const large = `${head(['Content-Length: 300000', 'Connection: close'])}${'x'.repeat(300_000)}`;
    const burst = async (): Promise<void> => {
      for (let round = 0; round < 50; round++) await Promise.all(Array.from({ length: 20 }, () => sendRaw(port, large)));
    };
    await burst();
    const before = process.memoryUsage().rss;
    await burst();
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1_024 * 1_024);
  });
});

describe('startGateway', () => {
  test('uses the next free port if it is negotiable, with a note; otherwise it refuses', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port: busy } = taken.address() as { port: number };
    const other = await startGateway(opened.options, { host: '127.0.0.1', port: busy, isPortNegotiable: true });
    expect(Number(new URL(other.url).port)).toBeGreaterThan(busy);
    expect(other.notes[0]).toContain(`port ${busy} is taken`);
    await other.stop(0);
    await expect(startGateway(opened.options, { host: '127.0.0.1', port: busy, isPortNegotiable: false })).rejects.toThrow(
      `the HTTP port ${busy} is taken by another process`,
    );
    taken.close();
  });

  test('listens beyond loopback only with credentials, and notes that it has none', async () => {
    expect(gateway.notes).toEqual([
      'without credentials (SEQUENT_CREDENTIALS) HTTP is served on loopback only, to every process that can reach it',
    ]);
    for (const host of ['0.0.0.0', '::', '192.0.2.1'])
      await expect(startGateway(opened.options, { host, port: 0, isPortNegotiable: true })).rejects.toThrow('listens on loopback only');
    const credentials = new CredentialSet([{ project: 'p1', tokenHash: Buffer.alloc(32) }]);
    const served = await startGateway({ ...opened.options, credentials }, { host: '0.0.0.0', port: 0, isPortNegotiable: true });
    expect(served.notes).toEqual([]);
    await served.stop(0);
  });
});
