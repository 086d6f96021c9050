import { expect } from 'vitest';
import { deferred } from '#src/core/deferred.ts';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';
import type { BulkOperationView } from '#src/gateway/api/repair/bulk-operation-schemas.ts';
import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { KEYS, type RunningSequent, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { serveProjectionOn } from '#test/support/projection/served-projection.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(startSequent);
const handlers = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
let sequent: RunningSequent;
let projection: AsyncDisposable;
/** Every page of a list but the first one waits for it. */
let furtherPages = Promise.resolve();

async function send<Body>(method: string, path: string, body?: unknown): Promise<Body> {
  const reply = await sequent.call(method, path, body === undefined ? {} : { body });
  return (await reply.json()) as Body;
}
const list = (query: string) => send<{ invocations: InvocationRow[] }>('GET', `/api/invocations?limit=500&${query}`);
const operation = (id: string) => send<BulkOperationView>('GET', `/api/bulk/${id}`);

/** Accepts requests of a function, and waits until the read model has all of them in one of the states. */
async function accepted(name: string, count: number, states: string): Promise<void> {
  const events = Array.from({ length: count }, (_, index) => ({ why: `${name}-${index}` }));
  await send('POST', `/api/functions/${name}/invocations?batch`, events);
  await eventually(async () => (await list(`function=${name}&state=${states}`)).invocations?.length === count);
}

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  projection = await serveProjectionOn(sequent.server.url, sequent.folder, {
    change: (answers) => ({
      ...answers,
      async list(query) {
        if (query.cursor !== undefined) await furtherPages;
        return await answers.list(query);
      },
    }),
  });
  for (const name of ['fail', 'held'])
    await send('PUT', `/api/functions/${name}`, {
      handler: { kind: 'process', file: handlers, export: 'fail' },
      policy: { maxRetries: 0 },
    });
  await send('POST', '/api/functions/held/pause');
  await eventually(async () => (await sequent.call('GET', '/api/invocations')).status === 200);
});

test.afterAll(() => projection[Symbol.asyncDispose]());

test('a redrive in the background has an id, reports its progress, and leaves out what was redriven before', async () => {
  await accepted('fail', 4, 'notified');
  const [one] = (await list('function=fail')).invocations;
  await send('POST', `/api/invocations/${one?.request_id}/redrive`);
  await eventually(async () => (await list('function=fail&state=notified')).invocations.length === 5);
  const started = await sequent.call('POST', '/api/bulk', { body: { action: 'redrive', filter: { function: 'fail' } } });
  const { id, total } = (await started.json()) as BulkOperationView;
  expect([started.status, started.headers.get('location'), total]).toEqual([202, `/api/bulk/${id}`, 5]);
  await eventually(async () => (await operation(id)).state === 'done');
  expect(await operation(id)).toMatchObject({ action: 'redrive', done: 4, left_out: 1, failed: 0, filter: { function: 'fail' } });
  // Another project neither sees the operation nor can abort it.
  const asStranger = { headers: { 'x-auth-token': STRANGER.token } };
  expect((await sequent.call('GET', `/api/bulk/${id}`, asStranger)).status).toBe(404);
  expect((await sequent.call('POST', `/api/bulk/${id}/abort`, { ...asStranger, body: {} })).status).toBe(404);
  expect(await (await sequent.call('GET', '/api/bulk', asStranger)).json()).toEqual({ operations: [] });
});

test('an operation that is aborted ends early, keeps what it did, and is over', { timeout: 120_000 }, async () => {
  await accepted('held', 120, 'queued');
  const aborted = deferred<void>();
  // The operation is not over before the abort, because its second page waits.
  furtherPages = aborted.promise;
  const { id } = await send<BulkOperationView>('POST', '/api/bulk', { action: 'cancel', filter: { function: 'held' }, reason: 'a test' });
  await send('POST', `/api/bulk/${id}/abort`);
  aborted.resolve();
  await eventually(async () => (await operation(id)).state !== 'running');
  const { state, done, abort_requested_by } = await operation(id);
  expect([state, done <= 100, abort_requested_by]).toEqual(['aborted', true, KEYS.ak]);
  expect(await send('POST', `/api/bulk/${id}/abort`)).toMatchObject({ code: 'WRONG_STATE' });
  await eventually(async () => (await list('condition=InvocationCanceled')).invocations.length === done);
  const rest = await send<BulkOperationView>('POST', '/api/bulk', { action: 'cancel', filter: { function: 'held' } });
  await eventually(async () => (await operation(rest.id)).state === 'done');
  expect((await operation(rest.id)).done).toBe(120 - done);
  expect((await send<{ operations: BulkOperationView[] }>('GET', '/api/bulk')).operations.map((one) => one.id)).toContain(id);
});

test('a purge over HTTP has an id and an owner, and is aborted while no janitor has written it', async () => {
  const filter = { function: 'fail', to: 1_000_000 };
  const started = await sequent.call('POST', '/api/bulk', { body: { action: 'purge', filter, reason: 'request 4711' } });
  const purge = (await started.json()) as BulkOperationView;
  expect([started.status, started.headers.get('location')]).toEqual([202, `/api/bulk/${purge.id}`]);
  expect(purge).toMatchObject({
    action: 'purge',
    by: KEYS.ak,
    runner: 'janitor',
    state: 'running',
    step: 'searching',
    reason: 'request 4711',
  });
  expect(purge.filter).toEqual({ function: 'fail', before: '1970-01-01T00:16:40.000Z' });
  const asStranger = { headers: { 'x-auth-token': STRANGER.token } };
  expect((await sequent.call('POST', `/api/bulk/${purge.id}/abort`, { ...asStranger, body: {} })).status).toBe(404);
  expect(await send('POST', `/api/bulk/${purge.id}/abort`)).toMatchObject({ state: 'aborted', abort_requested_by: KEYS.ak });
  expect(await send('POST', `/api/bulk/${purge.id}/abort`)).toMatchObject({ code: 'WRONG_STATE' });
  for (const wrong of [{ function: 'fail' }, { to: 1 }, { ...filter, state: ['failed'] }])
    expect((await sequent.call('POST', '/api/bulk', { body: { action: 'purge', filter: wrong } })).status).toBe(400);
  const invocations = [{ request_id: 'one', function: 'fail' }];
  expect((await sequent.call('POST', '/api/bulk', { body: { action: 'purge', invocations } })).status).toBe(400);
});

test('a purge is counted by a trial, which the list leaves out, and which another project does not see', async () => {
  const body = { action: 'purge', filter: { function: 'fail', to: 1_000_000 }, dry_run: true };
  const started = await sequent.call('POST', '/api/bulk', { body });
  const trial = (await started.json()) as BulkOperationView;
  expect([started.status, trial.dry_run, trial.state, trial.done]).toEqual([202, true, 'running', 0]);
  expect((await operation(trial.id)).dry_run).toBe(true);
  expect((await send<{ operations: BulkOperationView[] }>('GET', '/api/bulk')).operations.map(({ id }) => id)).not.toContain(trial.id);
  expect((await sequent.call('GET', `/api/bulk/${trial.id}`, { headers: { 'x-auth-token': STRANGER.token } })).status).toBe(404);
  expect(await send('POST', `/api/bulk/${trial.id}/abort`)).toMatchObject({ state: 'aborted' });
  const redrive = await sequent.call('POST', '/api/bulk', { body: { action: 'redrive', filter: { function: 'fail' }, dry_run: true } });
  expect([redrive.status, await redrive.text()]).toEqual([400, expect.stringContaining('counts only a purge')]);
});

test('the oldest open invocation that a project sees is its own, not an older one of another project', async () => {
  await send('POST', '/api/functions/held/invocations', {});
  const asStranger = { headers: { 'x-auth-token': STRANGER.token } };
  const definition = { handler: { kind: 'process', file: handlers, export: 'greet' }, paused: true };
  expect((await sequent.call('PUT', '/api/functions/theirs', { ...asStranger, body: definition })).status).toBe(200);
  const accepted = await sequent.call('POST', '/api/functions/theirs/invocations', { ...asStranger, body: {} });
  const { request_id } = (await accepted.json()) as { request_id: string };
  const oldest = async () => ((await (await sequent.call('GET', '/api/system', asStranger)).json()) as SystemView).oldest_open;
  await eventually(async () => (await oldest()) !== undefined);
  expect(await oldest()).toMatchObject({ request_id, function: 'theirs' });
});
