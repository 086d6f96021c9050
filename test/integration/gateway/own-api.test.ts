import { describe, expect } from 'vitest';
import type { FunctionsView } from '#src/gateway/api/functions/function-schemas.ts';
import type { LogsView } from '#src/gateway/api/streams/log-schemas.ts';
import { type RunningSequent, readEvents, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(startSequent);
let sequent: RunningSequent;
const handlers = new URL('../../support/gateway/handlers.mjs', import.meta.url).pathname;

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  const policy = { maxRetries: 1, backoff: { initialInMs: 10 } };
  for (const name of ['greet', 'fail', 'sleep', 'speak'])
    expect(
      (
        await sequent.call('PUT', `/api/functions/${name}`, {
          body: { handler: { kind: 'process', file: handlers, export: name }, policy },
        })
      ).status,
    ).toBe(200);
});

async function invoke(name: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<string> {
  const response = await sequent.call('POST', `/api/functions/${name}/invocations`, { body, headers });
  expect(response.status).toBe(202);
  return ((await response.json()) as { request_id: string }).request_id;
}

const waitFor = async (id: string) => (await sequent.call('GET', `/api/invocations/${id}`, { headers: { prefer: 'wait=15' } })).json();

describe('an invocation over HTTP', () => {
  test('is accepted with 202 and its location, and a long poll returns its result', async () => {
    const response = await sequent.call('POST', '/api/functions/greet/invocations', { body: { name: 'Ada' } });
    const location = response.headers.get('location') ?? '';
    expect([response.status, location]).toEqual([202, expect.stringMatching(/^\/api\/invocations\/[0-9a-f-]{36}$/)]);
    const polled = await sequent.call('GET', location, { headers: { prefer: 'wait=15' } });
    expect(polled.headers.get('preference-applied')).toBe('wait=15');
    expect(await polled.json()).toMatchObject({
      function: 'greet',
      status: 'SUCCESS',
      attempts: 1,
      result: { condition: '', payload: '"hello Ada"' },
    });
  });

  test('replies with its result within the preferred wait, and with 202 after it', async () => {
    const prompt = await sequent.call('POST', '/api/functions/greet/invocations', {
      body: { name: 'Bob' },
      headers: { prefer: 'wait=15' },
    });
    expect([prompt.status, await prompt.json()]).toEqual([200, expect.objectContaining({ status: 'SUCCESS' })]);
    const slow = await sequent.call('POST', '/api/functions/sleep/invocations', { body: { ms: 3_000 }, headers: { prefer: 'wait=0' } });
    expect([slow.status, slow.headers.get('retry-after')]).toEqual([202, '1']);
  });

  test('is started once by two requests of one Idempotency-Key, and refused with 422 for another event', async () => {
    const again = { headers: { 'idempotency-key': 'order-7' } };
    expect(await invoke('greet', { name: 'Ada' }, again.headers)).toBe('order-7');
    await waitFor('order-7');
    const second = await sequent.call('POST', '/api/functions/greet/invocations', { body: { name: 'Ada' }, ...again });
    expect([second.status, second.headers.get('idempotency-replayed'), await second.json()]).toEqual([
      202,
      'true',
      { request_id: 'order-7' },
    ]);
    const other = await sequent.call('POST', '/api/functions/greet/invocations', { body: { name: 'Eve' }, ...again });
    expect([other.status, other.headers.get('content-type')]).toEqual([422, 'application/problem+json']);
    expect(await waitFor('order-7')).toMatchObject({ attempts: 1, result: { payload: '"hello Ada"' } });
  });

  test('is started once for each element of a batch', async () => {
    const response = await sequent.call('POST', '/api/functions/greet/invocations?batch', {
      body: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    });
    const { invocations } = (await response.json()) as { invocations: { request_id: string }[] };
    const results = await Promise.all(invocations.map(({ request_id }) => waitFor(request_id)));
    expect(results.map((one) => (one as { result: { payload: string } }).result.payload)).toEqual(['"hello a"', '"hello b"', '"hello c"']);
  });

  test.for([{}, { 'idempotency-key': 'exact' }])(
    'of a batch gets its event as it was written: numbers beyond 2^53 stay (%j)',
    async (headers) => {
      const events = ['{ "name": "a", "n": 9007199254740993 }', '{"name":"b","n":1.10}'];
      const response = await sequent.call('POST', '/api/functions/greet/invocations?batch', { body: `[ ${events.join(' , ')} ]`, headers });
      const { invocations } = (await response.json()) as { invocations: { request_id: string }[] };
      const payloads = invocations.map(async ({ request_id }) => {
        await waitFor(request_id);
        return await (await sequent.call('GET', `/api/invocations/${request_id}/payload`)).text();
      });
      expect(await Promise.all(payloads)).toEqual(events);
    },
  );

  test('that failed is redriven as a new invocation', async () => {
    const id = await invoke('fail');
    expect(await waitFor(id)).toMatchObject({ status: 'FAIL', attempts: 2, result: { condition: 'UnhandledInvocationError' } });
    await readEvents(await sequent.call('GET', `/api/invocations/${id}/events/stream`));
    const redriven = await sequent.call('POST', `/api/invocations/${id}/redrive`);
    expect(redriven.status).toBe(202);
    const { request_id } = (await redriven.json()) as { request_id: string };
    expect(request_id).not.toBe(id);
    expect(await waitFor(request_id)).toMatchObject({ status: 'FAIL' });
  });

  test('with an unknown id is refused with a problem in JSON', async () => {
    const response = await sequent.call('GET', '/api/invocations/nobody');
    expect([response.status, response.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
    expect(await response.json()).toMatchObject({
      status: 404,
      code: 'INVOCATION_NOT_FOUND',
      type: 'urn:sequent:problem:invocation-not-found',
    });
  });
});

test('the functions are listed whole, by pages, by a part of their names, and by names', async () => {
  const list = async (query: string): Promise<[string[], string | undefined]> => {
    const { functions, next_cursor } = (await (await sequent.call('GET', `/api/functions${query}`)).json()) as FunctionsView;
    return [functions.map(({ name }) => name), next_cursor];
  };
  expect(await list('')).toEqual([['fail', 'greet', 'sleep', 'speak'], undefined]);
  expect(await list('?limit=2')).toEqual([['fail', 'greet'], 'greet']);
  expect(await list('?limit=2&cursor=greet')).toEqual([['sleep', 'speak'], undefined]);
  expect(await list('?containing=EE')).toEqual([['greet', 'sleep'], undefined]);
  expect(await list('?limit=1&containing=ee')).toEqual([['greet'], 'greet']);
  expect(await list('?names=sleep,nobody,fail')).toEqual([['fail', 'sleep'], undefined]);
});

describe('the events of an invocation', () => {
  test('are streamed until it is notified, and equal the events that are read afterwards', async () => {
    const id = await invoke('fail');
    const streamed = await readEvents(await sequent.call('GET', `/api/invocations/${id}/events/stream`));
    expect(streamed.map(({ event }) => event)).toEqual(['queued', 'running', 'retrying', 'running', 'failed', 'notified']);
    const { events } = (await (await sequent.call('GET', `/api/invocations/${id}/events`)).json()) as { events: unknown[] };
    expect(streamed.map(({ data }) => data)).toEqual(events);
  });

  test('resume after the last id without a gap; a reader that has all of them gets 204', async () => {
    const id = await invoke('fail');
    const path = `/api/invocations/${id}/events/stream`;
    const broken = new AbortController();
    const first = await readEvents(await sequent.call('GET', path, { signal: broken.signal }), ({ event }) => event === 'retrying');
    broken.abort();
    const last = first.findLast((event) => event.id !== undefined)?.id ?? '';
    const remaining = await readEvents(await sequent.call('GET', path, { headers: { 'last-event-id': last } }));
    const all = await readEvents(await sequent.call('GET', path));
    expect([...first.filter(({ data }) => data.sequence <= Number(last)), ...remaining]).toEqual(all);
    const end = all.at(-1)?.id ?? '';
    expect((await sequent.call('GET', path, { headers: { 'last-event-id': end } })).status).toBe(204);
  });
});

describe('the transitions of all invocations', () => {
  test('arrive live in the order of the log, and resume after the last id', async () => {
    const live = await sequent.call('GET', '/api/transitions?function=greet');
    const ids = [await invoke('greet', { name: 'x' }), await invoke('greet', { name: 'y' })];
    let open = ids.length;
    const received = await readEvents(live, ({ event }) => event === 'notified' && --open === 0);
    expect(new Set(received.map(({ data }) => data.fact.invocation))).toEqual(new Set(ids));
    const sequences = received.map(({ data }) => data.sequence);
    expect(sequences).toEqual([...sequences].sort((one, other) => one - other));
    const [first] = received;
    const resumed = await sequent.call('GET', '/api/transitions?function=greet', { headers: { 'last-event-id': first?.id ?? '' } });
    const again = await readEvents(resumed, ({ data }) => data.sequence === sequences.at(-1));
    expect(again.map(({ data }) => data.sequence)).toEqual(sequences.slice(1, again.length + 1));
  });
});

describe('the logs of a function', () => {
  const read = async (query: string) => (await (await sequent.call('GET', `/api/functions/speak/logs${query}`)).json()) as LogsView;

  test('hold the lines and the failures of its attempts without their secrets, filtered, and then live', async () => {
    const good = await invoke('speak', { text: 'Good\n{"level":40,"msg":"hot"}' });
    const bad = await invoke('speak', { text: 'password=hunter2', fails: true });
    await Promise.all([good, bad].map(waitFor));

    const { lines, is_complete, next } = await read('');
    expect(lines.filter(({ request_id }) => request_id === good)).toMatchObject([
      { attempt: 1, failed: false, index: 0, text: 'printed Good' },
      { index: 1, level: 'warn', message: 'hot', text: '{"level":40,"msg":"hot"}' },
    ]);
    expect(lines.filter(({ request_id }) => request_id === bad)).toMatchObject(
      [1, 2].flatMap((attempt) => [
        { attempt, failed: true, kind: 'output', text: 'printed password=[redacted]' },
        { attempt, failed: true, kind: 'failure', level: 'error', text: expect.stringMatching(/failed with password=\[redacted\]$/) },
      ]),
    );
    expect(is_complete).toBe(true);
    const textsOf = async (query: string) => (await read(query)).lines.map(({ text }) => text);
    expect(await textsOf('?level=warn&failed=false')).toContain('{"level":40,"msg":"hot"}');
    expect(await textsOf('?text=GOOD')).toEqual(['printed Good']);
    expect(new Set((await read('?failed=true')).lines.map(({ request_id }) => request_id))).toEqual(new Set([bad]));
    // The last attempts of the two invocations may end in any order.
    expect(await read(`?limit=1&request_id=${bad}`)).toMatchObject({ lines: [{ attempt: 2, kind: 'failure' }], is_complete: false });

    const live = await sequent.call('GET', `/api/functions/speak/logs/stream?from=${next}&text=later`);
    await invoke('speak', { text: 'unwanted' });
    const later = await invoke('speak', { text: 'Later' });
    const [event] = await readEvents(live, ({ event: type }) => type === 'lines');
    expect(event?.data).toMatchObject([{ request_id: later, text: 'printed Later', sequence: Number(event?.id) }]);
  });

  test('are refused with 404 for an unknown function', async () => {
    expect((await sequent.call('GET', '/api/functions/nobody/logs')).status).toBe(404);
    expect((await sequent.call('GET', '/api/functions/nobody/logs/stream')).status).toBe(404);
  });
});

describe('functions over HTTP', () => {
  test('are changed under If-Match only if they were not changed since', async () => {
    const found = await sequent.call('GET', '/api/functions/greet');
    const { definition } = (await found.json()) as { definition: object };
    const etag = found.headers.get('etag') ?? '';
    const put = (match: string, timeoutInMs: number) =>
      sequent.call('PUT', '/api/functions/greet', { body: { ...definition, timeoutInMs }, headers: { 'if-match': match } });
    expect((await put(etag, 9_000)).status).toBe(200);
    expect((await put(etag, 9_001)).status).toBe(412);
    const listed = (await (await sequent.call('GET', '/api/functions')).json()) as { functions: { name: string }[] };
    expect(listed.functions.map(({ name }) => name)).toEqual(['fail', 'greet', 'sleep', 'speak']);
    expect(
      (await sequent.call('PUT', '/api/functions/greet', { body: { handler: { kind: 'magic' } }, headers: { 'if-match': '*' } })).status,
    ).toBe(400);
    expect((await sequent.call('DELETE', '/api/functions/nobody')).status).toBe(404);
  });
});

describe('operations', () => {
  test('the OpenAPI document names every path', async () => {
    const document = (await (await fetch(`${sequent.url}/openapi.json`)).json()) as { openapi: string; paths: object };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toContain('/api/invocations/{id}/events/stream');
    expect(JSON.stringify(document)).toContain('"maxRetries"');
  });

  test('without NATS the gateway is live, not ready, and refuses with 503; it recovers with NATS', async () => {
    await sequent.server.kill();
    await until(async () => (await fetch(`${sequent.url}/readyz`)).status === 503);
    expect((await fetch(`${sequent.url}/healthz`)).status).toBe(200);
    const refused = await sequent.call('POST', '/api/functions/greet/invocations', { body: {} });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    await sequent.server.restart();
    await until(async () => (await fetch(`${sequent.url}/readyz`)).status === 200);
    expect(await waitFor(await invoke('greet', { name: 'again' }))).toMatchObject({ status: 'SUCCESS' });
  });
});

/** Polls until the condition holds; the time limit of the test ends the polling. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}
