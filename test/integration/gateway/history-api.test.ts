import { describe, expect } from 'vitest';
import type { Problem } from '#src/gateway/api/common-schemas.ts';
import type { EventView, InvocationRow, InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import type { BulkView, DeadLetterView } from '#src/gateway/api/repair/repair-schemas.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let sequent: RunningSequent;
const handlers = new URL('../../support/gateway/handlers.mjs', import.meta.url).pathname;
const greeter = { kind: 'process', file: handlers, export: 'greet' };
test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  for (const [name, policy] of [
    ['greet', {}],
    ['fail', { maxRetries: 1, backoff: { initialInMs: 10 } }],
    ['sleep', {}],
    ['chained', { onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: 'greet' } }] }],
  ] as const) {
    const handler = { kind: 'process', file: handlers, export: name === 'chained' ? 'greet' : name };
    const { status, body } = await send('PUT', `/api/functions/${name}`, { handler, policy, concurrency: 2 });
    expect([status, body]).toEqual([200, expect.objectContaining({ revision: expect.any(Number) })]);
  }
  await eventually(async () => (await send('GET', '/api/invocations')).status === 200);
});

async function send<Body = Record<string, unknown>>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await sequent.call(method, path, { ...(body === undefined ? {} : { body }), headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text === '' ? undefined : JSON.parse(text)) as Body };
}

async function invoke(name: string, event: unknown, id?: string): Promise<string> {
  const headers = id === undefined ? {} : { 'idempotency-key': id };
  const { status, body } = await send<{ request_id: string }>('POST', `/api/functions/${name}/invocations`, event, headers);
  expect(status).toBe(202);
  return body.request_id;
}

/** Waits until the read model shows the final state of all these invocations. */
async function settled(ids: readonly string[]): Promise<void> {
  await eventually(async () => {
    const { body } = await send<{ invocations: InvocationRow[] }>('GET', '/api/invocations?state=notified&limit=500');
    const known = new Set(body.invocations.map(({ request_id }) => request_id));
    return ids.every((id) => known.has(id));
  });
}

const list = async (query: string) =>
  (await send<{ invocations: InvocationRow[]; next_cursor?: string }>('GET', `/api/invocations?${query}`)).body;
const idsOf = (rows: readonly InvocationRow[]) => rows.map(({ request_id }) => request_id);
describe('the list of invocations', () => {
  test('is filtered exactly, and its pages contain every invocation once, by cursor and by Link', async () => {
    const good = await Promise.all(Array.from({ length: 7 }, (_, index) => invoke('greet', { name: `page-${index}` })));
    const bad = await Promise.all([invoke('fail', { why: 'pages' }), invoke('fail', { why: 'pages' })]);
    await settled([...good, ...bad]);
    expect(new Set(idsOf((await list('function=fail&text=pages')).invocations))).toEqual(new Set(bad));
    const [row] = (await list('condition=UnhandledInvocationError&sort=most-attempts&include=payload&limit=1')).invocations;
    expect(row).toMatchObject({ function: 'fail', status: 'FAIL', attempts: 2, payload: '{"why":"pages"}' });
    expect((await list('status=WAIT,RUNNING&function=greet')).invocations).toEqual([]);

    const paged: string[] = [];
    let path: string | undefined = '/api/invocations?function=greet&text=page*&limit=3&sort=longest';
    for (let page = 0; path !== undefined && page < 9; page++) {
      const { body, headers }: { body: { invocations: InvocationRow[]; next_cursor?: string }; headers: Headers } = await send('GET', path);
      paged.push(...idsOf(body.invocations));
      path = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
      expect(path === undefined).toBe(body.next_cursor === undefined);
    }
    expect(paged.length).toBe(good.length);
    expect(new Set(paged)).toEqual(new Set(good));
  });

  test('counts the matching invocations by state and status', async () => {
    const ids = await Promise.all([invoke('greet', { name: 'count-1' }), invoke('greet', { name: 'count-2' })]);
    await settled(ids);
    const { body } = await send('GET', '/api/invocations/counts?function=greet&text=count*');
    expect(body).toMatchObject({ by_state: { notified: 2, queued: 0 }, by_status: { SUCCESS: 2, FAIL: 0 }, is_at_least: false });
  });

  test('is shown as of an earlier moment, and so are counts, statistics and a single invocation', async () => {
    const id = await invoke('greet', { name: 'earlier' });
    await settled([id]);
    const { events } = (await send<{ events: EventView[] }>('GET', `/api/invocations/${id}?include=events`)).body;
    const then = `at=${events[0]?.sequence}&text=earlier`;
    expect((await list(then)).invocations).toMatchObject([{ request_id: id, state: 'queued' }]);
    expect((await send('GET', `/api/invocations/counts?${then}`)).body).toMatchObject({ by_state: { queued: 1, notified: 0 } });
    const stats = (await send('GET', `/api/functions/greet/stats?${then}`)).body;
    expect(stats).toMatchObject({ total: { accepted: 1, by_state: { queued: 1 } } });
    const one = await send('GET', `/api/invocations/${id}?at=${events[0]?.sequence}&include=events`);
    expect(one.body).toMatchObject({ state: 'queued', events: [{ type: 'queued' }] });
    expect((await send('GET', `/api/invocations/${id}?at=2020-01-01`)).status).toBe(404);
    for (const at of ['yesterday', '999999999']) expect((await send('GET', `/api/invocations?at=${at}`)).status).toBe(400);
  });

  test('refuses unknown parameters by name, and invalid values by their parameter', async () => {
    const { status, body, headers } = await send<Problem>('GET', '/api/invocations?stat=failed&limit=9999&from=yesterday');
    expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    expect(new Set(body.errors?.map(({ parameter }) => parameter))).toEqual(new Set(['stat', 'limit', 'from']));
    expect(body.detail).toContain('known are function, qualifier, version, state');
  });
});

describe('one invocation', () => {
  test('shows its request, result, terms, deliveries and origin; its events replay to the same state', async () => {
    const parent = await invoke('chained', { name: 'Ada' });
    await settled([parent]);
    const { body: view } = await send<InvocationView>('GET', `/api/invocations/${parent}`);
    expect(view).toMatchObject({
      state: 'notified',
      status: 'SUCCESS',
      request: { payload: '{"name":"Ada"}', bytes: 14 },
      result: { condition: '', payload: '"hello Ada"', status_code: 200 },
      terms: { maxRetries: 1 },
      deliveries: [{ destination_id: 'functiongraph-0', state: 'delivered', tries: 1 }],
    });
    const { body: recorded } = await send<{ events: EventView[] }>('GET', `/api/invocations/${parent}/events`);
    expect(recorded.events.map(({ type, state_after, deliveries_after }) => [type, state_after, deliveries_after])).toEqual([
      ['queued', 'queued', {}],
      ['running', 'running', {}],
      ['succeeded', 'succeeded', { 'functiongraph-0': 'pending' }],
      ['delivery.started', 'succeeded', { 'functiongraph-0': 'delivering' }],
      ['delivery.delivered', 'succeeded', { 'functiongraph-0': 'delivered' }],
      ['notified', 'notified', { 'functiongraph-0': 'delivered' }],
    ]);
    const children = (await list(`parent=${parent}`)).invocations;
    expect(children).toMatchObject([{ function: 'greet', root: parent, parent, hop: 1 }]);
    // The statistics of `greet` expect no open invocation.
    await settled(idsOf(children));
    const { body: tree } = await send<{ nodes: InvocationRow[] }>('GET', `/api/invocations/${children[0]?.request_id}/tree`);
    expect(new Set(idsOf(tree.nodes))).toEqual(new Set([parent, children[0]?.request_id]));
    const { body: explanation } = await send<{ sentences: { text: string }[] }>('GET', `/api/invocations/${parent}/explain`);
    expect(explanation.sentences.map(({ text }) => text).join(' ')).toContain('delivered the outcome to functiongraph-0');
  });

  test('that is cancelled ends, and a second cancellation is a conflict', async () => {
    const id = await invoke('sleep', { ms: 20_000 });
    await eventually(async () => (await send<InvocationView>('GET', `/api/invocations/${id}`)).body.state === 'running');
    const canceled = await send('POST', `/api/invocations/${id}/cancel`, { reason: 'a test' });
    expect([canceled.status, canceled.body]).toEqual([202, { canceled: [id] }]);
    expect((await send<InvocationView>('GET', `/api/invocations/${id}`)).body).toMatchObject({
      status: 'FAIL',
      condition: 'InvocationCanceled',
    });
    const again = await send<Problem>('POST', `/api/invocations/${id}/cancel`);
    expect([again.status, again.body.code]).toEqual([409, 'WRONG_STATE']);
  });
});

describe('repair in bulk', () => {
  test('a redrive reports its matches, redrives each once, and ignores the new invocations', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => invoke('fail', { why: 'bulkmark' })));
    await settled(ids);
    const order = { filter: { function: 'fail', text: 'bulkmark' }, limit: 3 };
    const tried = await send<BulkView>('POST', '/api/redrive', { ...order, dry_run: true });
    expect(tried.body).toMatchObject({ matched: 3, done: [], failed: [], next_cursor: expect.any(String) });
    const redriven: string[] = [];
    for (let cursor: string | undefined, round = 0; round < 5; round++) {
      const { body } = await send<BulkView>('POST', '/api/redrive', { ...order, ...(cursor === undefined ? {} : { cursor }) });
      expect(body.failed).toEqual([]);
      redriven.push(...body.done.map(({ request_id }) => request_id));
      cursor = body.next_cursor;
      if (cursor === undefined) break;
    }
    expect(redriven.length).toBe(ids.length);
    expect(new Set(redriven)).toEqual(new Set(ids));
    const { invocations } = await list('function=fail&text=bulkmark');
    const firsts = invocations.filter(({ redrive_of }) => redrive_of === undefined).map(({ accepted_at }) => accepted_at);
    // A redriven invocation no longer matches, and its new invocation was accepted later.
    const filter = { ...order.filter, to: Math.max(...firsts) + 1 };
    const { body: repeated } = await send<BulkView>('POST', '/api/redrive', { filter });
    expect(repeated).toMatchObject({ matched: 0, done: [] });
    const left = await send<BulkView>('POST', '/api/redrive', { filter, dry_run: true });
    expect(left.body.skipped).toEqual([{ why: 'were redriven before', count: 5 }]);
  });

  test('a cancellation ends all matching invocations, and no other one', async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, () => invoke('sleep', { ms: 20_000, mark: 'cancelmark' })));
    const other = await invoke('sleep', { ms: 20_000, mark: 'othermark' });
    await eventually(async () => (await list('function=sleep&text=cancelmark')).invocations.length === 4);
    const filter = { function: 'sleep', text: 'cancelmark' };
    const early = (await send<BulkView>('POST', '/api/redrive', { filter, dry_run: true })).body;
    expect(early.skipped).toEqual([{ why: 'have no outcome yet', count: 4 }]);
    const { body } = await send<BulkView>('POST', '/api/cancel', { filter });
    expect(new Set(body.done.map(({ request_id }) => request_id))).toEqual(new Set(ids));
    await settled(ids);
    expect((await list('condition=InvocationCanceled&text=cancelmark')).invocations.length).toBe(4);
    expect((await send<InvocationView>('GET', `/api/invocations/${other}`)).body.status).not.toBe('FAIL');
    expect((await send('POST', `/api/invocations/${other}/cancel`)).status).toBe(202);
  });

  test('without a filter is refused with a pointer', async () => {
    for (const path of ['/api/redrive', '/api/cancel']) {
      const { status, body } = await send<Problem>('POST', path, { filter: {} });
      expect([status, body.errors?.[0]?.pointer]).toEqual([400, '/filter']);
    }
  });
});

describe('dead letters', () => {
  test('are listed with their reason, counted, and redelivered after their reason is fixed', async () => {
    expect((await send('PUT', '/api/functions/gone', { handler: greeter })).status).toBe(200);
    const onSuccess = [{ destination: 'FunctionGraph', param: { func_urn: 'gone' } }];
    expect((await send('PUT', '/api/functions/lonely', { handler: greeter, policy: { onSuccess } })).status).toBe(200);
    expect((await send('DELETE', '/api/functions/gone')).status).toBe(204);
    const ids = await Promise.all([invoke('lonely', { name: 'x' }), invoke('lonely', { name: 'y' })]);
    await settled(ids);

    const query = '/api/dead-letters?function=lonely&limit=1';
    const { body: first, headers } = await send<{ dead_letters: DeadLetterView[] }>('GET', query);
    expect(first.dead_letters).toMatchObject([{ destination_id: 'functiongraph-0', tries: 1, reason: expect.stringContaining('gone') }]);
    const next = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1] ?? '';
    const { body: second } = await send<{ dead_letters: DeadLetterView[] }>('GET', next);
    expect(new Set([...first.dead_letters, ...second.dead_letters].map(({ request_id }) => request_id))).toEqual(new Set(ids));
    expect((await send('GET', '/api/system')).body).toMatchObject({ dead_letters: 2, is_dead_letters_at_least: false });

    expect((await send('PUT', '/api/functions/gone', { handler: greeter })).status).toBe(200);
    const order = { filter: { function: 'lonely', destination: 'functiongraph' }, rate: 50 };
    const { body: tried } = await send<BulkView>('POST', '/api/dead-letters/redrive', { ...order, dry_run: true });
    expect(tried).toMatchObject({ matched: 2, done: [] });
    const { body: done } = await send<BulkView>('POST', '/api/dead-letters/redrive', order);
    expect(new Set(done.done.map(({ request_id }) => request_id))).toEqual(new Set(ids));
    const children = ids.map((id) => `function=gone&parent=${id}`);
    await eventually(async () => (await Promise.all(children.map(list))).every(({ invocations }) => invocations.length === 1));
    expect((await send('POST', `/api/invocations/${ids[0]}/deliveries/functiongraph-0/redeliver`)).status).toBe(409);
  });
});

describe('the system', () => {
  test('shows the running roles, their lags, the log and the read model', async () => {
    const system = async () => (await send('GET', '/api/system')).body;
    // A busy process may answer too late to be listed.
    await expect.poll(system, { timeout: 40_000 }).toMatchObject({
      roles: expect.arrayContaining(['worker', 'scheduler', 'destinations', 'gateway'].map((role) => expect.objectContaining({ role }))),
      version: expect.stringMatching(/^\d+\.\d+/),
      lags: expect.arrayContaining([expect.objectContaining({ role: 'worker', name: 'greet', is_attended: true })]),
      log: { messages: expect.any(Number), durability: 'unknown', replicas: 1, storage: 'file' },
      projection: { is_ready: true, lag: expect.any(Number) },
    });
  });

  test('is verified on demand without a finding', async () => {
    const { status, body } = await send('POST', '/api/verify');
    expect([status, body]).toEqual([200, expect.objectContaining({ found: 0, findings: [], is_complete: true })]);
  });

  test('exports its machines', async () => {
    const { body } = await send<{ invocation: { states: object } }>('GET', '/api/machine');
    expect(Object.keys(body.invocation.states)).toEqual(expect.arrayContaining(['queued', 'running', 'notified']));
  });
});

describe('statistics', () => {
  test('count in total and over time, with percentiles', async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, () => invoke('greet', { name: 'stats' })));
    await settled(ids);
    const { body } = await send('GET', '/api/functions/greet/stats?buckets=10');
    const { total, buckets } = body as { total: { accepted: number }; buckets: { accepted: number; from: number }[] };
    expect(total).toMatchObject({ by_state: { notified: total.accepted }, duration_ms: { p50: expect.any(Number) } });
    expect(buckets.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(total.accepted);
    expect((await send('GET', '/api/functions/nobody/stats')).status).toBe(404);
  });
});

describe('a function', () => {
  test('is never overwritten blindly: 428 without If-Match, 412 with a stale one', async () => {
    const etag = (await send('GET', '/api/functions/greet')).headers.get('etag') ?? '';
    const unseen = await send<Problem>('PATCH', '/api/functions/greet/policy', { maxRetries: 2 });
    expect([unseen.status, unseen.body.code]).toEqual([428, 'PRECONDITION_REQUIRED']);
    const seen = await send('PATCH', '/api/functions/greet/policy', { maxRetries: 2 }, { 'if-match': etag });
    expect([seen.status, seen.body]).toMatchObject([200, { definition: { policy: { maxRetries: 2 } } }]);
    expect((await send('PATCH', '/api/functions/greet/policy', { maxRetries: 1 }, { 'if-match': etag })).status).toBe(412);
  });

  test('with an invalid policy is refused with the field, and with a loop is refused with its path', async () => {
    const { headers } = await send('GET', '/api/functions/greet');
    const match = { 'if-match': headers.get('etag') ?? '' };
    const wrong = await send<Problem>('PATCH', '/api/functions/greet/policy', { maxRetries: 99 }, match);
    expect([wrong.status, wrong.body.errors?.[0]?.pointer]).toEqual([400, '/maxRetries']);
    const back = { destination: 'FunctionGraph', param: { func_urn: 'chained' } };
    const loop = await send<Problem>('PATCH', '/api/functions/greet/policy', { onSuccess: [back] }, match);
    expect([loop.status, loop.body.detail]).toEqual([400, expect.stringContaining('greet → chained → greet')]);
    const { body } = await send('GET', '/api/destinations/graph');
    expect(body).toMatchObject({
      edges: expect.arrayContaining([expect.objectContaining({ from: 'chained', to: 'greet', when: 'success' })]),
      loops: [],
    });
  });

  test('that is paused starts nothing until it is resumed', async () => {
    expect((await send('POST', '/api/functions/sleep/pause')).body).toMatchObject({ definition: { paused: true } });
    // A worker receives the changes of the registry in order, so a worker that runs a later function has received the pause.
    await send('PUT', '/api/functions/later', { handler: greeter }).then(async () => settled([await invoke('later', {})]));
    const id = await invoke('sleep', { ms: 0 });
    expect((await send<InvocationView>('GET', `/api/invocations/${id}`)).body.state).toBe('queued');
    expect((await send('POST', '/api/functions/sleep/resume')).body).toMatchObject({ definition: { paused: false } });
    await settled([id]);
  });
});
