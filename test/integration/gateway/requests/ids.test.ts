import { describe, expect } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { AmbiguousIdError, InvocationNotFoundError } from '#src/core/errors.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { type RunningSequent, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const handlers = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file: handlers, export: 'greet' } as const;
/** An id that two functions of the own project and a function of the other project have. */
const SHARED = 'order-4711';
const THEIRS = `${STRANGER.project}=theirs`;

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let sequent: RunningSequent;
let client: SequentClient;
/** The paths of one invocation, and their methods. */
let routes: { method: string; path: string }[];

const asStranger = { headers: { 'x-auth-token': STRANGER.token } };
const invoke = (name: string, key: string, event: object = { name }) =>
  sequent.call('POST', `/api/functions/${name}/invocations`, { body: event, headers: { 'idempotency-key': key } });
const isOver = async (id: string, name: string) => (await client.timeline(id, { function: name })).state === 'notified';
const bodyOf = async (reply: Response | Promise<Response>) => (await (await reply).json()) as Record<string, unknown>;

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  client = await connectClient({ servers: sequent.server.url });
  for (const name of ['orders', 'bills', THEIRS]) await sequent.roles.registry.put({ name, handler, policy: { maxRetries: 0 } });
  for (const name of ['orders', 'bills']) expect((await invoke(name, SHARED)).status).toBe(202);
  await client.invokeText(THEIRS, '{"name":"theirs"}', { id: SHARED });
  for (const name of ['orders', 'bills', THEIRS]) await eventually(async () => await isOver(SHARED, name).catch(() => false));
  // The projection runs in a process of its own, and answers later than the other roles.
  const recorded = async () => (await client.history.list({ id: SHARED }).catch(() => ({ invocations: [] }))).invocations.length;
  await eventually(async () => (await recorded()) === 3);
  const document = (await (await fetch(`${sequent.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    path.startsWith('/api/invocations/{id}') ? Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })) : [],
  );
});
test.afterAll(async () => {
  await client?.close();
});

/** Every change has an empty body by default, but the end of a delivery needs a note. */
function bodyFor(method: string, path: string): { body?: object } {
  if (method === 'GET') return {};
  return { body: /give-up|dismiss/.test(path) ? { note: 'known' } : {} };
}

const at = (path: string): string => path.replace('{id}', SHARED).replace('{destination}', 'http-0');

describe('an id that several functions have (ID1)', () => {
  test('is answered with the functions of the own project by every route of an invocation', async () => {
    expect(routes.length).toBeGreaterThanOrEqual(8);
    for (const { method, path } of routes) {
      const reply = await sequent.call(method, at(path), bodyFor(method, path));
      expect([path, reply.status, await bodyOf(reply)]).toMatchObject([
        path,
        409,
        { code: 'AMBIGUOUS_ID', functions: ['bills', 'orders'] },
      ]);
    }
  });

  test('leads by every route to the invocation of the function or of the message of the log that is named', async () => {
    const { transitions } = await client.timeline(SHARED, { function: 'orders' });
    const message = `@${transitions[0]?.sequence}`;
    const named = routes.flatMap(({ method, path }) => [
      { method, path, address: `${at(path)}?function=orders` },
      { method, path, address: at(path).replace(SHARED, message) },
    ]);
    for (const { method, path, address } of named) {
      const reply = await sequent.call(method, address, bodyFor(method, path));
      const text = reply.status === 204 ? '' : await reply.text();
      // A cancelled or redelivered invocation is over and has no dead delivery, which is another conflict.
      expect([path, reply.status, text.includes('AMBIGUOUS_ID')]).toEqual([path, expect.any(Number), false]);
      expect([address, [200, 202, 204].includes(reply.status) || text.includes('WRONG_STATE')]).toEqual([address, true]);
    }
    for (const name of ['orders', 'bills']) {
      expect(await bodyOf(sequent.call('GET', `/api/invocations/${SHARED}?function=${name}`))).toMatchObject({ function: name });
    }
    expect((await sequent.call('GET', `/api/invocations/${SHARED}?function=theirs`)).status).toBe(404);
  });

  test('is neither hidden from another project nor shown to it', async () => {
    const theirs = await bodyOf(sequent.call('GET', `/api/invocations/${SHARED}`, asStranger));
    expect(theirs).toMatchObject({ function: 'theirs', request: { payload: '{"name":"theirs"}' } });
    expect((await sequent.call('GET', `/api/invocations/${SHARED}?function=orders`, asStranger)).status).toBe(404);
    const tree = JSON.stringify(await bodyOf(sequent.call('GET', `/api/invocations/${SHARED}/tree`, asStranger)));
    expect([tree.includes('theirs'), /orders|bills/.test(tree)]).toEqual([true, false]);
  });

  test('is refused with its functions by the client, from the log and from the read model', async () => {
    const functions = [THEIRS, 'bills', 'orders'];
    const questions = [
      () => client.timeline(SHARED),
      () => client.result(SHARED),
      () => client.cancel(SHARED),
      () => client.repair.redrive(SHARED),
      () => client.history.get(SHARED),
      () => client.history.timeline(SHARED),
      () => client.history.tree(SHARED),
    ];
    for (const ask of questions) {
      const error = await ask().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect([ask.toString(), error]).toEqual([ask.toString(), expect.any(AmbiguousIdError)]);
      expect((error as AmbiguousIdError).functions).toEqual(functions);
    }
    expect((await client.timeline(SHARED, { project: STRANGER.project })).function).toBe(THEIRS);
    expect((await client.history.get(SHARED, { function: 'bills' })).function).toBe('bills');
    await expect(client.timeline(SHARED, { project: 'third' })).rejects.toThrow(InvocationNotFoundError);
  });
});

describe('a key in a form of derived ids (ID2)', () => {
  test('starts an invocation of its own, though an invocation that Sequent derived has this id', async () => {
    const redriven = await bodyOf(sequent.call('POST', `/api/invocations/${SHARED}/redrive?function=bills`, { body: {} }));
    const id = String(redriven.request_id);
    await eventually(async () => await isOver(id, 'bills').catch(() => false));
    const first = await invoke('bills', id, { name: 'brought' });
    const accepted = await bodyOf(first);
    expect([first.status, first.headers.get('idempotency-replayed'), accepted.request_id === id]).toEqual([202, null, false]);
    const again = await invoke('bills', id, { name: 'brought' });
    expect([again.headers.get('idempotency-replayed'), await bodyOf(again)]).toEqual(['true', accepted]);
    expect(await bodyOf(sequent.call('GET', `/api/invocations/${id}?function=bills`))).toMatchObject({ redrive_of: SHARED });
  });

  test('may be the id of a member of a batch, which a handler uses as the key of a further request', async () => {
    const [, second] = await client.invokeMany('orders', [{ name: 'one' }, { name: 'two' }]);
    const member = second?.requestId ?? '';
    const accepted = await bodyOf(await invoke('orders', member, { name: 'further' }));
    const again = await invoke('orders', member, { name: 'further' });
    expect([again.headers.get('idempotency-replayed'), await bodyOf(again)]).toEqual(['true', accepted]);
    expect(accepted.request_id).not.toBe(member);
  });
});
