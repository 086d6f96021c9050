import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createVettedHttp, type ResolveHost } from '#src/destinations/http/vetted-http.ts';
import type { Reach, VettedRequest } from '#src/destinations/http/vetted-request.ts';
import { makeCertificate } from '#test/support/destinations/certificate.ts';
import { neverAborted } from '#test/support/destinations/deliveries.ts';
import { hostileUrls } from '#test/support/destinations/hostile-urls.ts';
import { answer, openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import { freePort } from '#test/support/free-port.ts';

const publicOnly: Reach = { allowPrivate: false, allowHttp: true, ports: [], timeoutInMs: 20_000 };

function requestTo(url: string, reach: Partial<Reach> = {}): VettedRequest {
  return { method: 'POST', url, headers: { 'content-type': 'application/json' }, body: '{"n":"中"}', reach: { ...publicOnly, ...reach } };
}

/** A request to a receiver on this machine. */
function requestHere({ url, port }: Receiver, reach: Partial<Reach> = {}): VettedRequest {
  return requestTo(`${url}/hook?token=canary`, { allowPrivate: true, ports: [port], ...reach });
}

const http = createVettedHttp();

describe('the vetted HTTP client, for hostile URLs', () => {
  test('has more than 60 examples', () => expect(new Set(hostileUrls).size).toBeGreaterThan(60));

  test('refuses each of them without a connection', async () => {
    await using canary = await openReceiver();
    for (const url of hostileUrls) {
      const request = requestTo(url.replace('PORT', String(canary.port)), { ports: [canary.port] });
      expect([url, (await http.send(request, neverAborted)).kind]).toEqual([url, 'refused']);
    }
    expect(canary.connections).toBe(0);
  });

  test('refuses forbidden addresses, also when private addresses are allowed', async () => {
    const urls = [
      'http://169.254.169.254/',
      'http://[fd00:ec2::254]/',
      'http://[::ffff:127.0.0.1]/',
      'http://0.0.0.0/',
      'http://224.0.0.1/',
      'http://[fe80::1]/',
    ];
    for (const url of urls)
      expect([url, (await http.send(requestTo(url, { allowPrivate: true }), neverAborted)).kind]).toEqual([url, 'refused']);
  });

  test('refuses a name with one forbidden address among public ones, whatever their order', async () => {
    await using canary = await openReceiver();
    const addresses = [
      { address: '93.184.215.14', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    for (const resolved of [addresses, addresses.toReversed()]) {
      const client = createVettedHttp({ resolve: async () => resolved });
      expect(await client.send(requestTo(`http://mixed.example:${canary.port}/`, { ports: [canary.port] }), neverAborted)).toEqual({
        kind: 'refused',
        reason: 'mixed.example is not at a public address',
      });
    }
    expect(canary.connections).toBe(0);
  });

  test('refuses a name that resolves to this machine after its first lookup', async () => {
    await using canary = await openReceiver();
    let lookups = 0;
    // The first address is public and unassigned; every later one is this machine.
    const rebinding: ResolveHost = async () => [lookups++ === 0 ? { address: '3ffe::1', family: 6 } : { address: '127.0.0.1', family: 4 }];
    const client = createVettedHttp({ resolve: rebinding });
    const request = requestTo(`http://rebinding.example:${canary.port}/`, { ports: [canary.port] });
    const hasty = { ...request, reach: { ...request.reach, timeoutInMs: 200 } };
    expect(['unreachable', 'timed-out']).toContain((await client.send(hasty, neverAborted)).kind);
    for (let round = 0; round < 3; round++) expect((await client.send(request, neverAborted)).kind).toBe('refused');
    expect(canary.connections).toBe(0);
  });

  test('connects to the address that it vetted, with one lookup', async () => {
    await using receiver = await openReceiver();
    let lookups = 0;
    const client = createVettedHttp({ resolve: async () => [{ address: lookups++ === 0 ? '127.0.0.1' : '169.254.169.254', family: 4 }] });
    const request = { ...requestHere(receiver), url: `http://once.example:${receiver.port}/` };
    expect(await client.send(request, neverAborted)).toMatchObject({ kind: 'answered', status: 200 });
    expect([lookups, receiver.received[0]?.headers.host]).toEqual([1, `once.example:${receiver.port}`]);
    expect((await client.send(request, neverAborted)).kind).toBe('refused');
  });

  test('uses only https unless http is allowed', async () => {
    await using canary = await openReceiver();
    const answer = await http.send(requestHere(canary, { allowHttp: false }), neverAborted);
    expect(answer).toEqual({ kind: 'refused', reason: 'only https may be used, not http' });
    expect(canary.connections).toBe(0);
  });

  test('uses only the usual ports unless others are allowed', async () => {
    await using canary = await openReceiver();
    expect(await http.send(requestHere(canary, { ports: [] }), neverAborted)).toEqual({
      kind: 'refused',
      reason: `port ${canary.port} is not allowed`,
    });
    expect(canary.connections).toBe(0);
  });

  test('follows no redirect', async () => {
    await using canary = await openReceiver();
    await using receiver = await openReceiver(answer(307, { location: canary.url }));
    expect(await http.send(requestHere(receiver, { ports: [receiver.port, canary.port] }), neverAborted)).toMatchObject({
      kind: 'answered',
      status: 307,
    });
    expect(canary.connections).toBe(0);
  });

  test('refuses a header that would inject another header', async () => {
    await using canary = await openReceiver();
    const request = { ...requestHere(canary), headers: { 'x-a': 'b\r\nx-c: d' } };
    expect(await http.send(request, neverAborted)).toEqual({ kind: 'refused', reason: 'the header x-a is not a text of one line' });
    expect(canary.connections).toBe(0);
  });

  test('refuses a header whose name is no token, as a request that is not sent', async () => {
    await using canary = await openReceiver();
    for (const name of ['', 'a b', 'x:y', 'x\r\nhost', 'größe', '\u202ex', 'x'.repeat(257)]) {
      const request = { ...requestHere(canary), headers: { [name]: 'v' } };
      expect(await http.send(request, neverAborted)).toEqual({
        kind: 'refused',
        reason: expect.stringMatching(/^".*" is no name of a header$/),
      });
    }
    expect(canary.connections).toBe(0);
  });
});

describe('the vetted HTTP client, by https', () => {
  test('refuses a self-signed certificate, and accepts a configured one', async () => {
    const { cert, key } = await makeCertificate('hooks.example');
    const server = createTlsServer({ cert, key }, (_request, response) => void response.writeHead(204).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const resolve: ResolveHost = async () => [{ address: '127.0.0.1', family: 4 }];
    const to = (host: string) => requestTo(`https://${host}:${port}/`, { allowPrivate: true, allowHttp: false, ports: [port] });
    expect(await createVettedHttp({ resolve }).send(to('hooks.example'), neverAborted)).toMatchObject({
      kind: 'unreachable',
      reason: `https://hooks.example:${port} cannot be reached (DEPTH_ZERO_SELF_SIGNED_CERT)`,
    });
    const trusting = createVettedHttp({ resolve, ca: cert });
    expect(await trusting.send(to('hooks.example'), neverAborted)).toMatchObject({ kind: 'answered', status: 204 });
    expect(await trusting.send(to('other.example'), neverAborted)).toMatchObject({
      reason: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
    server.close();
    await once(server, 'close');
  });
});

describe('the vetted HTTP client', () => {
  test('sends the body unchanged, and returns the answer', async () => {
    await using receiver = await openReceiver(answer(201, { 'x-a': 'b' }, 'made'));
    expect(await http.send(requestHere(receiver), neverAborted)).toMatchObject({
      kind: 'answered',
      status: 201,
      headers: { 'x-a': 'b' },
      body: 'made',
      isComplete: true,
    });
    expect(receiver.received[0]).toMatchObject({ method: 'POST', path: '/hook?token=canary', body: '{"n":"中"}' });
  });

  test('reads at most 64 KB of an endless body', async () => {
    let wasCut = false;
    await using receiver = await openReceiver((response) => {
      // A later turn of the event loop: a closed socket fails each write at once, and may be writable until its close is reported.
      const more = () => void (response.writable && response.write(Buffer.alloc(65_536, 'x'), () => setImmediate(more)));
      response.on('close', () => (wasCut = true));
      more();
    });
    const answer = await http.send(requestHere(receiver), neverAborted);
    expect(answer).toMatchObject({ kind: 'answered', status: 200, isComplete: false });
    expect(answer.kind === 'answered' && answer.body.length).toBe(65_536);
    await expect.poll(() => wasCut).toBe(true);
  });

  test('keeps an answer whose connection ends in the middle of its body', async () => {
    await using receiver = await openReceiver((response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('start', () => response.destroy());
    });
    expect(await http.send(requestHere(receiver), neverAborted)).toMatchObject({
      kind: 'answered',
      status: 200,
      body: 'start',
      isComplete: false,
    });
  });

  test('times out on a receiver that never answers', async () => {
    await using receiver = await openReceiver(() => {});
    expect(await http.send(requestHere(receiver, { timeoutInMs: 100 }), neverAborted)).toEqual({
      kind: 'timed-out',
      reason: `${receiver.url} did not answer within 100 ms`,
    });
  });

  test('limits the time of the whole exchange: a trickle of header bytes does not prolong it', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 200 OK\r\nx-a: ');
      const timer = setInterval(() => socket.write('b'), 10);
      socket.on('close', () => clearInterval(timer));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const request = requestTo(`http://127.0.0.1:${port}/`, { allowPrivate: true, ports: [port], timeoutInMs: 150 });
    expect((await http.send(request, neverAborted)).kind).toBe('timed-out');
    server.close();
    await once(server, 'close');
  });

  test('stops at once when the signal aborts', async () => {
    const stop = new AbortController();
    await using receiver = await openReceiver(() => stop.abort());
    expect(await http.send(requestHere(receiver), stop.signal)).toMatchObject({
      kind: 'unreachable',
      reason: `the request to ${receiver.url} was given up`,
    });
    expect((await http.send(requestHere(receiver), stop.signal)).kind).toBe('unreachable');
    expect(receiver.received).toHaveLength(1);
  });

  test('reports why a receiver is unreachable, without the path of the URL', async () => {
    const port = await freePort();
    const refused = await http.send(
      requestTo(`http://127.0.0.1:${port}/canary?canary`, { allowPrivate: true, ports: [port] }),
      neverAborted,
    );
    expect(refused).toEqual({ kind: 'unreachable', reason: `http://127.0.0.1:${port} cannot be reached (ECONNREFUSED)` });
    await using receiver = await openReceiver((response) => void response.socket?.resetAndDestroy());
    expect(await http.send(requestHere(receiver), neverAborted)).toEqual({
      kind: 'unreachable',
      reason: `${receiver.url} cannot be reached (ECONNRESET)`,
    });
    const client = createVettedHttp({ resolve: () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' })) });
    expect(await client.send(requestTo('https://nowhere.example/'), neverAborted)).toMatchObject({
      reason: 'https://nowhere.example cannot be reached (ENOTFOUND)',
    });
  });
});
