import { randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { SIGNATURES } from '#src/nats/wire/topology.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { KEYS, PROJECT, type RunningSequent, readEvents, startSequent, TOKEN } from '#test/support/gateway/running-gateway.ts';
import { sdkDate, sign } from '#test/support/gateway/signer.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const F = `/v2/${PROJECT}/fgs/functions`;
const handlers = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let one: RunningSequent;
let other: RunningSequent;

test.beforeAll(async ({ sequent: own }) => {
  one = own;
  other = await one.another();
  for (const name of ['greet', 'fail', 'sleep'])
    await one.roles.registry.put({ name, handler: { kind: 'process', file: handlers, export: name } });
  await eventually(async () => (await other.call('GET', '/api/invocations')).status === 200);
});
test.afterAll(async () => {
  await other?.[Symbol.asyncDispose]();
});

/** A signed call that can be sent again, byte for byte, to whichever gateway: behind a balancer all have one name. */
function signedCall() {
  const path = `${F}/greet/invocations-async`;
  const headers = { host: 'sequent.example', 'x-sdk-date': sdkDate(Date.now()), 'x-nonce': randomUUID() };
  const authorization = sign({ method: 'POST', path, headers, body: '{}' }, KEYS);
  return async ({ url }: RunningSequent): Promise<number> => {
    const { request } = await import('node:http');
    return await new Promise((resolve, reject) => {
      const sent = request(url + path, { method: 'POST', headers: { ...headers, authorization }, agent: false }, (reply) => {
        reply.resume();
        resolve(reply.statusCode ?? 0);
      });
      sent.on('error', reject);
      sent.end('{}');
    });
  };
}

/** Waits until each of the two gateways has all signatures that either accepted, at least one. */
async function untilSignaturesAreShared(): Promise<void> {
  const connection = await openConnection({ servers: one.server.url });
  const { streams, consumers } = connection.manager;
  await eventually(async () => {
    const { state } = await streams.info(SIGNATURES.name);
    const found = await consumers.list(SIGNATURES.name).next();
    return state.last_seq > 0 && found.length === 2 && found.every(({ delivered }) => delivered.stream_seq === state.last_seq);
  });
  await connection.close();
  // The connection of a gateway is in order: it received the signatures before the answer to a later question.
  for (const gateway of [one, other]) expect((await gateway.call('GET', '/api/invocations')).status).toBe(200);
}

const bodyOf = async <Body>(response: Response | Promise<Response>): Promise<Body> => (await (await response).json()) as Body;
const invoke = async (at: RunningSequent, name: string, body: object = {}): Promise<string> =>
  (await bodyOf<{ request_id: string }>(at.call('POST', `${F}/${name}/invocations-async`, { body }))).request_id;
const result = (at: RunningSequent, id: string) =>
  bodyOf<{ status: string; attempts: number }>(at.call('GET', `/api/invocations/${id}`, { headers: { prefer: 'wait=10' } }));

describe('two gateways on one NATS', () => {
  test('refuse a replay of a call that either accepted, and so does a gateway that starts later', async () => {
    const call = signedCall();
    expect(await call(one)).toBe(202);
    const acceptedAt = Date.now();
    // Within its second and the time of a transfer, a repetition is an equal call; then it is a replay.
    await eventually(async () => Date.now() - acceptedAt > 2_000);
    await untilSignaturesAreShared();
    expect([await call(one), await call(other)]).toEqual([401, 401]);
    await using third = await one.another();
    expect(await call(third)).toBe(401);
    expect(await signedCall()(third)).toBe(202);
  });

  test('start an Idempotency-Key once, even if both receive it at the same time', async () => {
    const headers = { 'idempotency-key': 'once-for-all' };
    const ask = (at: RunningSequent) => at.call('POST', '/api/functions/greet/invocations', { body: { name: 'Ada' }, headers });
    const replies = await Promise.all([ask(one), ask(other)]);
    expect(replies.map(({ status }) => status)).toEqual([202, 202]);
    expect(replies.filter((reply) => reply.headers.get('idempotency-replayed') === 'true')).toHaveLength(1);
    expect(await result(other, 'once-for-all')).toMatchObject({ status: 'SUCCESS', attempts: 1 });
    for (const path of ['/api/functions/greet/invocations', `${F}/greet/invocations-async`])
      expect((await other.call('POST', path, { body: { name: 'Eve' }, headers })).status).toBe(422);
    const again = await other.call('POST', `${F}/greet/invocations-async`, { body: { name: 'Ada' }, headers });
    expect([again.status, await again.json()]).toEqual([202, { request_id: 'once-for-all' }]);
    expect(await result(one, 'once-for-all')).toMatchObject({ attempts: 1 });
  });

  test('apply the functions, configurations and limits of the other gateway at once', async () => {
    type Configuration = { strategy_config: { concurrency: number } };
    const limit = async (from: RunningSequent, to: RunningSequent, max_instance_num: number) => {
      expect((await from.call('PUT', `${F}/fail/config-max-instance`, { body: { max_instance_num } })).status).toBe(200);
      // An invocation does not wait until its gateway has read the change.
      const seen = async () => (await bodyOf<Configuration>(to.call('GET', `${F}/fail/config`))).strategy_config.concurrency;
      await expect.poll(seen).toBe(max_instance_num);
    };
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const stored = await bodyOf(from.call('PUT', `${F}/fail/async-invoke-config`, { body: { enable_async_status_log: true } }));
      expect(await bodyOf(to.call('GET', `${F}/fail/async-invoke-config`))).toEqual(stored);
      await limit(from, to, 0);
      expect((await to.call('POST', `${F}/fail/invocations-async`, { body: {} })).status).toBe(429);
      expect((await to.call('POST', '/api/functions/fail/invocations', { body: {} })).status).toBe(429);
      await limit(from, to, -1);
      expect((await to.call('POST', `${F}/fail/invocations-async`, { body: {} })).status).toBe(202);
      expect((await from.call('DELETE', `${F}/fail/async-invoke-config`)).status).toBe(204);
      expect((await to.call('GET', `${F}/fail/async-invoke-config`)).status).toBe(404);
    }
  });

  test('list an invocation that the other gateway accepted at once, and cancel it', async () => {
    const id = await invoke(one, 'sleep', { ms: 20_000 });
    const list = async (at: RunningSequent) =>
      (await bodyOf<{ invocations: { request_id: string }[] }>(at.call('GET', `${F}/sleep/active-async-invocations`))).invocations;
    expect((await list(other)).map(({ request_id }) => request_id)).toEqual([id]);
    expect((await other.call('POST', `${F}/sleep/cancel`, { body: { request_id: id } })).status).toBe(200);
    expect(await list(one)).toEqual([]);
    expect(await result(one, id)).toMatchObject({ status: 'FAIL' });
  });

  test('resume an event stream of the other gateway without a gap', async () => {
    const id = await invoke(one, 'greet', { name: 'x' });
    await result(one, id);
    const path = `/api/invocations/${id}/events/stream`;
    const all = await readEvents(await one.call('GET', path));
    const first = all.find((event) => event.id !== undefined);
    const remaining = await readEvents(await other.call('GET', path, { headers: { 'last-event-id': first?.id ?? '' } }));
    expect([...all.slice(0, all.indexOf(first as (typeof all)[number]) + 1), ...remaining]).toEqual(all);
    const live = await other.call('GET', '/api/transitions?function=greet', { headers: { 'last-event-id': first?.id ?? '' } });
    const received = await readEvents(live, ({ event, data }) => event === 'notified' && data.fact.invocation === id);
    // Earlier tests may have left invocations of this function that still run.
    const own = received.filter(({ data }) => data.fact.invocation === id);
    expect(own.map(({ event }) => event)).toEqual(remaining.map(({ event }) => event));
  });

  test('accept the sessions of the other gateway', async () => {
    const signedIn = await one.call('POST', '/api/session', { body: { token: TOKEN } });
    const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const reply = await fetch(`${other.url}/api/functions`, { headers: { cookie } });
    expect([signedIn.status, reply.status]).toEqual([200, 200]);
  });

  test('refuse a session that the other one signed out, and so does a gateway that starts later', async () => {
    const signedIn = await one.call('POST', '/api/session', { body: { token: TOKEN } });
    const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const ask = async ({ url }: RunningSequent): Promise<number> => (await fetch(`${url}/api/functions`, { headers: { cookie } })).status;
    expect(await ask(other)).toBe(200);
    expect((await fetch(`${one.url}/api/session`, { method: 'DELETE', headers: { cookie } })).status).toBe(204);
    expect(await ask(one)).toBe(401);
    await eventually(async () => (await ask(other)) === 401);
    await using third = await one.another();
    expect(await ask(third)).toBe(401);
  });
});
