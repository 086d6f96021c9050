import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { eventsLayer, surroundHost } from '#src/hosts/around/layers.ts';
import { createHttpHost } from '#src/hosts/remote/http-host.ts';
import { MAX_RESULT_BYTES } from '#src/hosts/runtime/outcome.mjs';
import { createVettedFetch, type HttpHandlers, ownReach } from '#src/main/roles/vetted-fetch.ts';
import { freePort } from '#test/support/free-port.ts';
import { execute, executionOf, neverAborted, until } from '#test/support/hosts/executions.ts';

const seen: string[] = [];
const server = createServer((request, response) => void answer(request, response));
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

/** The path selects the answer: a status, `echo`, `large`, `reset` or `never`. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const what = request.url?.slice(1) ?? '';
  seen.push(what);
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  if (what === 'echo') response.end(JSON.stringify({ method: request.method, body, headers: request.headers }));
  else if (what === 'large') response.end(Buffer.alloc(17 * 1024 * 1024, 'x'));
  else if (what === 'reset') request.socket.destroy();
  else if (what === 'redirect') response.writeHead(302, { location: '/echo' }).end();
  else if (what === 'error') response.writeHead(500).end(JSON.stringify({ errorMessage: 'out of stock', errorType: 'StockError' }));
  else if (what === 'final') response.writeHead(500).end(JSON.stringify({ errorMessage: 'no such order', retryable: false }));
  else if (what.startsWith('after-')) response.writeHead(Number(what.slice(6)), { 'retry-after': '7' }).end('words');
  else if (what !== 'never') response.writeHead(Number(what)).end('words');
}

const http = createVettedHttp({ maxBodyBytes: MAX_RESULT_BYTES + 1 });
const hostWith = (permitted: HttpHandlers) =>
  createHttpHost({ own: createVettedFetch(http, ownReach(permitted)), others: createVettedFetch(http) });
const host = hostWith('private');

const hintsIn = async (definition: ReturnType<typeof at>) => {
  const result = await execute(host, definition);
  return result.kind === 'failed' ? [result.failure.kind, result.failure.retryable, result.failure.retryAfterInMs] : result;
};

function withStatuses(path: string, statuses: object) {
  const { handler, ...definition } = at(path);
  return functionDefinitionSchema.parse({ ...definition, handler: { ...handler, statuses } });
}

function at(path: string, url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`, name = 'order') {
  return functionDefinitionSchema.parse({
    name,
    handler: { kind: 'http', url, headers: { authorization: 'Bearer t' } },
    timeoutInMs: 20_000,
  });
}

describe('an HTTP host', () => {
  test('fails an execution whose header has an impossible name as a failure of the function', async () => {
    const { handler, ...definition } = at('echo');
    const result = await execute(host, functionDefinitionSchema.parse({ ...definition, handler: { ...handler, headers: { 'a b': 'x' } } }));
    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'function', errorType: 'HandlerNotAllowed' } });
  });

  test('names the requests of a group in headers, or only counts them when their ids are too long', async () => {
    const headersWith = async (ids: readonly string[]) => {
      const events = ids.map((id) => ({ requestId: id as never, payload: '{}' }));
      const result = await surroundHost(host, [eventsLayer]).execute(executionOf(at('echo'), {}, { events }), neverAborted());
      if (result.kind !== 'returned') throw new Error(JSON.stringify(result));
      const { body, headers } = JSON.parse(result.payload) as { body: string; headers: Record<string, string> };
      return [(JSON.parse(body) as unknown[]).length, headers['request-count'], headers['request-ids']];
    };
    expect(await headersWith(['r-1', 'r-2'])).toEqual([2, '2', 'r-1,r-2']);
    const long = Array.from({ length: 1_000 }, (_, index) => `${index}`.padStart(64, 'x'));
    expect(await headersWith(long)).toEqual([1_000, '1000', undefined]);
    expect(await headersWith(long.slice(0, 63))).toEqual([63, '63', long.slice(0, 63).join(',')]);
    expect(await headersWith(long.slice(0, 64))).toEqual([64, '64', undefined]);
  });

  test('posts the event with its headers, and returns the body', async () => {
    const result = await host.execute(
      executionOf(at('echo'), { id: 1 }, { requestId: 'r-1' as never, attempt: 2, traceparent: '00-a-b-01' }),
      neverAborted(),
    );
    if (result.kind !== 'returned') throw new Error(JSON.stringify(result));
    expect(JSON.parse(result.payload)).toMatchObject({
      method: 'POST',
      body: '{"id":1}',
      headers: {
        'content-type': 'application/json',
        authorization: 'Bearer t',
        'request-id': 'r-1',
        'function-urn': 'urn:fss:here:project:function:default:order:latest',
        attempt: '2',
        traceparent: '00-a-b-01',
      },
    });
  });

  test('returns nothing for an answer without a body', async () => {
    expect(await execute(host, at('204'))).toEqual({ kind: 'returned', payload: '' });
  });

  test.each([408, 425, 429, 502, 503, 504])('maps status %i to a failure of the platform', async (status) => {
    const failure = { kind: 'platform', code: 161900, message: expect.stringContaining(String(status)) };
    expect(await execute(host, at(String(status)))).toMatchObject({ kind: 'failed', failure });
  });

  test.each([400, 404, 500])('maps status %i to a failure of the function', async (status) => {
    const failure = { kind: 'function', code: 4002, errorType: 'HttpError', message: expect.stringContaining(String(status)) };
    expect(await execute(host, at(String(status)))).toMatchObject({ kind: 'failed', failure });
  });

  test('reports the error payload of the function', async () => {
    const message = 'the endpoint answered 500 Internal Server Error: out of stock';
    expect(await execute(host, at('error'))).toMatchObject({ failure: { kind: 'function', errorType: 'StockError', message } });
  });

  test('takes the next attempt from Retry-After, and a non-retryable error from the payload', async () => {
    expect(await hintsIn(at('after-503'))).toEqual(['platform', undefined, 7_000]);
    expect(await hintsIn(at('after-500'))).toEqual(['function', undefined, 7_000]);
    expect(await hintsIn(at('final'))).toEqual(['function', false, undefined]);
  });

  test('takes statuses as temporary or final as the definition says, a single one before its class', async () => {
    const statuses = { temporary: ['409', '5xx'], final: ['4xx', '501'] };
    expect(await hintsIn(withStatuses('409', statuses))).toEqual(['platform', undefined, undefined]);
    expect(await hintsIn(withStatuses('500', statuses))).toEqual(['platform', undefined, undefined]);
    expect(await hintsIn(withStatuses('501', statuses))).toEqual(['function', false, undefined]);
    expect(await hintsIn(withStatuses('404', statuses))).toEqual(['function', false, undefined]);
    expect(() => withStatuses('404', { final: ['teapot'] })).toThrow('must be a status, such as 409');
  });

  test('does not follow a redirect', async () => {
    seen.length = 0;
    expect(await execute(host, at('redirect'))).toMatchObject({ failure: { kind: 'function', message: expect.stringContaining('302') } });
    expect(seen).toEqual(['redirect']);
  });

  test('maps a refused or reset connection to a failure of the platform', async () => {
    expect(await execute(host, at('reset'))).toMatchObject({ failure: { kind: 'platform', code: 161900 } });
    const refused = { kind: 'platform', message: expect.stringContaining('ECONNREFUSED') };
    expect(await execute(host, at('', `http://127.0.0.1:${await freePort()}/`))).toMatchObject({ failure: refused });
  });

  test('reads no more than 16 MB, and replaces a larger value by an empty one (SRC9)', async () => {
    expect(await execute(host, at('large'))).toEqual({ kind: 'returned', payload: '', droppedBytes: MAX_RESULT_BYTES + 1 });
  });

  test('maps a timeout to a failure of the function', async () => {
    const definition = { ...at('never'), timeoutInMs: 50 };
    expect(await execute(host, definition)).toMatchObject({ failure: { kind: 'function', code: 4010 } });
  });

  test('ends an execution when its signal aborts', async () => {
    const giveUp = new AbortController();
    seen.length = 0;
    const running = host.execute(executionOf(at('never')), giveUp.signal);
    await until(() => seen.includes('never'), 'the endpoint is asked');
    giveUp.abort();
    expect(await running).toMatchObject({ failure: { kind: 'platform', errorType: 'ExecutionAborted' } });
  });
});

describe('an HTTP host, for the own project', () => {
  const refused = { failure: { kind: 'function', errorType: 'HandlerNotAllowed', message: expect.stringMatching(/\(rule U2\)$/) } };

  test.each<HttpHandlers>(['private', 'public', ['127.0.0.1', '169.254.169.254']])(
    'reaches no metadata service and no link-local address with %j',
    async (permitted) => {
      for (const url of ['http://169.254.169.254/latest', 'http://2852039166/', 'http://[fe80::1]/', 'http://[::ffff:169.254.169.254]/']) {
        expect([url, await execute(hostWith(permitted), at('', url))]).toMatchObject([url, refused]);
      }
    },
  );

  test('reaches private addresses when the operator permits all of them, or the host', async () => {
    const { port } = server.address() as AddressInfo;
    const before = seen.length;
    expect(await execute(hostWith('public'), at('echo'))).toMatchObject(refused);
    expect(await execute(hostWith(['10.0.0.1']), at('echo'))).toMatchObject(refused);
    expect(await execute(hostWith(['127.0.0.1']), at('echo', `http://localhost:${port}/echo`))).toMatchObject(refused);
    expect(seen.length).toBe(before);
    for (const permitted of ['private', ['127.0.0.1']] as const) {
      expect(await execute(hostWith(permitted), at('echo'))).toMatchObject({ kind: 'returned' });
    }
  });
});

describe('an HTTP host, for another project', () => {
  test('sends nothing to an address that is not public, whatever form the URL has', async () => {
    const { port } = server.address() as AddressInfo;
    const before = seen.length;
    for (const url of [
      `http://127.0.0.1:${port}/echo`,
      'http://127.0.0.1/echo',
      'http://2130706433/echo',
      'http://[::1]/echo',
      'http://localhost/echo',
      'http://169.254.169.254/latest/meta-data/',
      'http://10.0.0.1/',
    ]) {
      expect([url, await execute(host, at('', url, 'b=order'))]).toEqual([
        url,
        {
          kind: 'failed',
          failure: expect.objectContaining({
            kind: 'function',
            errorType: 'HandlerNotAllowed',
            message: expect.stringMatching(/^handler\.url: .* \(rule U2\)$/),
          }),
        },
      ]);
    }
    expect(seen.slice(before)).toEqual([]);
  });

  test('calls public endpoints like those of the own project, and hides the headers of the connection', async () => {
    const { port } = server.address() as AddressInfo;
    const reach = { allowPrivate: true, allowHttp: true, ports: [port], timeoutInMs: 20_000 };
    const allowed = createHttpHost({ own: createVettedFetch(http), others: createVettedFetch(http, () => reach) });
    const definition = at('echo', undefined, 'b=order');
    const headers = { Host: 'internal', 'Transfer-Encoding': 'chunked', 'X-Team': 'b' };
    const result = await execute(allowed, { ...definition, handler: { ...definition.handler, headers } as typeof definition.handler });
    if (result.kind !== 'returned') throw new Error(JSON.stringify(result));
    const sent = JSON.parse(result.payload).headers;
    expect(sent).toMatchObject({ host: `127.0.0.1:${port}`, 'x-team': 'b' });
    expect(sent).not.toHaveProperty('transfer-encoding');
    expect(await execute(allowed, at('204', undefined, 'b=order'))).toEqual({ kind: 'returned', payload: '' });
    expect(await execute(allowed, at('large', undefined, 'b=order'))).toMatchObject({ kind: 'returned', payload: '' });
    expect(await execute(allowed, at('error', undefined, 'b=order'))).toMatchObject({ failure: { errorType: 'StockError' } });
    expect(await execute(allowed, at('reset', undefined, 'b=order'))).toMatchObject({ failure: { errorType: 'HostUnavailable' } });
  });
});
