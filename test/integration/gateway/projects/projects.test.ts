import { hostname } from 'node:os';
import { describe, expect } from 'vitest';
import { eventually } from '#test/support/gateway/eventually.ts';
import { PROJECT, type RunningSequent, readEvents, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const handlers = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
/** Values of the own project that the other project must never read: a name, an id, a payload, an error, a description. */
const SECRET = 'onlyours';
const NAME = `fn-${SECRET}`;
const ID = `id-${SECRET}`;

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let sequent: RunningSequent;
let paths: Record<string, Record<string, object>>;

const stranger = (method: string, path: string, body?: unknown, signal?: AbortSignal) =>
  sequent.call(method, path, {
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
    headers: { 'x-auth-token': STRANGER.token },
  });

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  const onFailure = [{ destination: 'FunctionGraph', param: { func_urn: 'gone' } }];
  const handler = { kind: 'process', file: handlers, export: 'fail' };
  await sequent.roles.registry.put({ name: 'gone', handler });
  await sequent.roles.registry.put({ name: NAME, description: SECRET, handler, policy: { maxRetries: 0, onFailure } });
  await sequent.roles.registry.publish(NAME, { version: 'v1', description: SECRET });
  await sequent.roles.registry.putAlias(NAME, { name: 'live', version: 'v1', description: SECRET });
  await sequent.roles.registry.delete('gone');
  const headers = { 'idempotency-key': ID };
  expect((await sequent.call('POST', `/api/functions/${NAME}/invocations`, { body: { SECRET }, headers })).status).toBe(202);
  await eventually(async () => (await (await sequent.call('GET', '/api/dead-letters')).text()).includes(ID));
  paths = ((await (await fetch(`${sequent.url}/openapi.json`)).json()) as { paths: typeof paths }).paths;
});

/** A path with the names of the own project. */
const ours = (path: string): string =>
  path
    .replace('{name}', NAME)
    .replace('{id}', ID)
    .replace('{destination}', 'functiongraph-0')
    .replace(/\{\w+\}/g, SECRET);

describe('another project', () => {
  test('reads nothing of ours by any path or filter of the own API', async () => {
    const readPaths = Object.entries(paths).flatMap(([path, methods]) => ('get' in methods ? [path] : []));
    expect(readPaths.length).toBeGreaterThan(15);
    const queries = ['', `?function=${NAME}`, `?function=${PROJECT}%3D${NAME}`, `?text=${SECRET}`, `?root=${ID}`];
    // The audit log names what the caller itself asked for.
    const tried = readPaths.filter((one) => one !== '/api/transitions' && one !== '/api/audit');
    for (const path of tried) {
      for (const query of queries) {
        const reply = await stranger('GET', ours(path) + query);
        // An error may quote the caller's own input.
        const text = reply.status === 200 ? await reply.text() : '';
        expect([path, query, reply.status, text.includes(SECRET)]).toEqual([path, query, expect.any(Number), false]);
        if (path.includes('{id}') && query === '') expect([path, reply.status]).toEqual([path, 404]);
      }
    }
  });

  test('has an audit log of its own calls', async () => {
    await stranger('GET', `/api/functions/${NAME}`);
    const callersIn = async (reply: Response) => {
      const { entries } = (await reply.json()) as { entries: { by: string }[] };
      return [...new Set(entries.map(({ by }) => by))];
    };
    const read = async () => [
      await callersIn(await stranger('GET', '/api/audit')),
      // Under the own project, the history service counts its answers to the gateway.
      (await callersIn(await sequent.call('GET', '/api/audit'))).filter((by) => by !== 'nats:gateway'),
    ];
    await eventually(async () => (await read()).every((callers) => callers.length > 0));
    const [theirs = [], own = []] = await read();
    expect([theirs.length, own.length, theirs[0] === own[0]]).toEqual([1, 1, false]);
  });

  test('sees which roles run, and no machine, process or total of ours', async () => {
    type View = { roles: object[] } & Record<string, unknown>;
    let view: View = { roles: [] };
    // A busy process may answer too late to be listed.
    await expect
      .poll(
        async () => {
          view = (await (await stranger('GET', '/api/system')).json()) as View;
          return view.roles;
        },
        { timeout: 40_000 },
      )
      .toContainEqual({ role: 'worker', instance: 'worker' });
    expect([view.server, view.log, view.lags]).toEqual([undefined, undefined, []]);
    expect(JSON.stringify(view)).not.toMatch(new RegExp(`${hostname()}|"pid"|"problems"`));
    const own = async () => (await sequent.call('GET', '/api/system')).json();
    await expect
      .poll(own, { timeout: 40_000 })
      .toMatchObject({ server: { version: expect.any(String) }, log: { replicas: 1 }, projection: { problems: 0 } });
  });

  test('counts its own dead letters, and we count ours', async () => {
    const deadIn = async (reply: Promise<Response>) => ((await (await reply).json()) as { dead_letters: number }).dead_letters;
    const counted = () => Promise.all([deadIn(stranger('GET', '/api/system')), deadIn(sequent.call('GET', '/api/system'))]);
    expect(await counted()).toEqual([0, 1]);
    const { registry } = sequent.roles;
    const handler = { kind: 'process', file: handlers, export: 'fail' };
    const onFailure = [{ destination: 'FunctionGraph', param: { func_urn: 'lost' } }];
    await registry.put({ name: `${STRANGER.project}=lost`, handler });
    await registry.put({ name: `${STRANGER.project}=fails`, handler, policy: { maxRetries: 0, onFailure } });
    await registry.delete(`${STRANGER.project}=lost`);
    for (const body of [{ first: true }, { second: true }])
      expect((await stranger('POST', '/api/functions/fails/invocations', body)).status).toBe(202);
    await expect.poll(counted, { timeout: 40_000 }).toEqual([2, 1]);
  });

  test('gets no reply that a cache may store, and neither do we', async () => {
    const answers = await Promise.all([
      stranger('GET', '/api/functions'),
      stranger('GET', '/api/functions/none'),
      sequent.call('GET', `/v2/${PROJECT}/fgs/functions`),
      sequent.call('GET', '/metrics'),
      fetch(`${sequent.url}/api/functions`),
    ]);
    expect(answers.map(({ status, headers }) => [status, headers.get('cache-control')])).toEqual(
      [200, 404, 200, 200, 401].map((status) => [status, 'no-store']),
    );
  });

  test('changes nothing of ours by any request', async () => {
    const before = await (await sequent.call('GET', `/api/functions/${NAME}`)).text();
    const events = await (await sequent.call('GET', `/api/invocations/${ID}/events`)).text();
    const bodies: Record<string, unknown> = {
      '/api/redrive': { filter: { function: NAME } },
      '/api/cancel': { filter: { function: NAME } },
      '/api/dead-letters/redrive': { filter: { function: NAME } },
    };
    for (const [path, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods).filter((one) => one !== 'get')) {
        const reply = await stranger(method.toUpperCase(), ours(path), bodies[path] ?? {});
        const text = await reply.text();
        // A PUT defines a function of the other project, and replies with that function.
        if (reply.status === 200 && method !== 'put') expect([path, text.includes(SECRET)]).toEqual([path, false]);
      }
    }
    await stranger('DELETE', `/api/functions/${NAME}`);
    expect(await (await sequent.call('GET', `/api/functions/${NAME}`)).text()).toBe(before);
    expect(await (await sequent.call('GET', `/api/invocations/${ID}/events`)).text()).toBe(events);
  });

  test('receives no transition of ours, while we receive it', async () => {
    const closing = new AbortController();
    const [theirs, own] = [
      await stranger('GET', '/api/transitions', undefined, closing.signal),
      await sequent.call('GET', '/api/transitions'),
    ];
    const all = readEvents(theirs).catch(() => []);
    const heard = readEvents(own, ({ event }) => event === 'notified');
    await sequent.call('POST', `/api/functions/${NAME}/invocations`, { body: { SECRET } });
    expect((await heard).map(({ event }) => event)).toContain('failed');
    // Both streams follow one log, in which the transition of the other project follows ours.
    await stranger('PUT', '/api/functions/mine', { handler: { kind: 'process', file: handlers, export: 'greet' } });
    const mine = await stranger('GET', '/api/transitions', undefined, closing.signal);
    await stranger('POST', '/api/functions/mine/invocations', { name: 'x' });
    const received = await readEvents(mine, ({ event }) => event === 'notified');
    expect(JSON.stringify(received)).not.toContain(SECRET);
    closing.abort();
    expect(JSON.stringify(await all)).not.toContain(SECRET);
  });

  test("reaches nothing of ours through the vendor's API: it has functions of the same names, of its own", async () => {
    const F = `/v2/${STRANGER.project}/fgs/functions`;
    const urn = `urn:fss:local:${PROJECT}:function:default:${NAME}:latest`;
    for (const [method, path, body] of [
      ['GET', 'config', undefined],
      ['GET', 'code', undefined],
      ['GET', 'versions', undefined],
      ['GET', 'aliases', undefined],
      ['GET', 'async-invoke-config', undefined],
      ['GET', `async-invocations?request_id=${ID}`, undefined],
      ['POST', 'cancel', { request_id: ID }],
      ['POST', 'invocations-async', {}],
    ] as const) {
      expect([path, (await stranger(method, `${F}/${urn}/${path}`, body)).status]).toEqual([path, 403]);
      expect([path, (await stranger(method, `${F}/nobody-${SECRET}/${path}`, body)).status]).toEqual([path, 404]);
    }
    expect(await (await stranger('GET', F)).text()).not.toContain(SECRET);
    expect((await stranger('GET', `/v2/${PROJECT}/fgs/functions`)).status).toBe(403);
  });

  test('starts an invocation of its own under an Idempotency-Key that we used', async () => {
    const reply = await sequent.call('POST', '/api/functions/mine/invocations', {
      body: { name: 'y' },
      headers: { 'x-auth-token': STRANGER.token, 'idempotency-key': ID },
    });
    const { request_id } = (await reply.json()) as { request_id: string };
    expect([reply.status, reply.headers.get('idempotency-replayed'), request_id === ID]).toEqual([202, null, false]);
    expect(await (await sequent.call('GET', `/api/invocations/${ID}`)).json()).toMatchObject({ function: NAME });
  });
});
