import { connect } from 'nats';
import { describe, expect, vi } from 'vitest';
import type { Envelope } from '#src/core/log/envelope.ts';
import type { InvocationRow, InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { PROJECT, type RunningSequent, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let sequent: RunningSequent;
const PATIENCE = { timeout: 40_000, interval: 100 };
/** Tells which function ran, with its event. */
const source = `exports.handler = async (event, context) => {
  console.log('printed by ' + context.getPackage());
  return [context.getPackage(), context.getFunctionName(), context.functionName, event.n ?? ''].join(' ');
}`;

async function create(packageOf: string, headers: Record<string, string> = {}, project = PROJECT): Promise<void> {
  const body = {
    func_name: 'report',
    package: packageOf,
    runtime: 'Node.js18.15',
    timeout: 30,
    handler: 'index.handler',
    memory_size: 128,
    code_type: 'inline',
    func_code: { file: Buffer.from(source).toString('base64') },
  };
  const answer = await sequent.call('POST', `/v2/${project}/fgs/functions`, { body, headers });
  expect([answer.status, await answer.json()]).toEqual([
    200,
    expect.objectContaining({ func_urn: `urn:fss:local:${project}:function:${packageOf}:report:latest`, package: packageOf }),
  ]);
}

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  for (const packageOf of ['default', 'billing']) await create(packageOf);
});

async function json<Body>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Body> {
  const answer = await sequent.call(method, path, { ...(body === undefined ? {} : { body }), headers });
  expect([answer.status, path]).toEqual([expect.toSatisfy((status: number) => status < 300), path]);
  const text = await answer.text();
  return (text === '' ? undefined : JSON.parse(text)) as Body;
}

const waitFor = (id: string) => json<InvocationView>('GET', `/api/invocations/${id}`, undefined, { prefer: 'wait=30' });

async function invoke(name: string, event: unknown = {}): Promise<InvocationView> {
  const { request_id } = await json<{ request_id: string }>('POST', `/api/functions/${name}/invocations`, event);
  return await waitFor(request_id);
}

const returned = (text: string) => ({ status: 'SUCCESS', result: { payload: text } });

describe('two functions of one name in two packages', () => {
  test("run by the vendor's API, each with its own code and context", async () => {
    for (const [urn, packageOf] of [
      ['report', 'default'],
      ['default:report', 'default'],
      ['billing:report', 'billing'],
      [`urn:fss:local:${PROJECT}:function:billing:report`, 'billing'],
    ]) {
      const answer = await sequent.call('POST', `/v2/${PROJECT}/fgs/functions/${urn}/invocations`, { body: { n: 1 } });
      expect([answer.status, await answer.text()]).toEqual([200, `${packageOf} report report 1`]);
    }
  });

  test('run by the own API, whose lists, statistics and logs tell them apart', async () => {
    expect(await invoke('report', { n: 2 })).toMatchObject({ function: 'report', ...returned('default report report 2') });
    // A client may encode the colon or not.
    const found = [await invoke('billing:report', { n: 3 }), await invoke('billing%3Areport', { n: 3 })];
    for (const one of found) expect(one).toMatchObject({ function: 'billing:report', ...returned('billing report report 3') });
    const ids = found.map(({ request_id }) => request_id).sort();
    await vi.waitFor(async () => {
      const { invocations } = await json<{ invocations: InvocationRow[] }>('GET', '/api/invocations?function=billing:report&text=3');
      expect(invocations.map(({ request_id }) => request_id).sort()).toEqual(ids);
    }, PATIENCE);
    const stats = await json<{ functions: { function: string }[] }>('GET', '/api/stats');
    expect(stats.functions.map((row) => row.function).sort()).toEqual(['billing:report', 'report']);
    const logs = JSON.stringify(await json('GET', '/api/functions/billing:report/logs'));
    expect([logs.includes('printed by billing'), logs.includes('printed by default')]).toEqual([true, false]);
    const metrics = await (await sequent.call('GET', '/metrics')).text();
    expect(metrics).toContain('function="billing:report"');
  });

  test('run by their subjects, and their results have subjects of their own', async () => {
    const nats = await connect({ servers: sequent.server.url });
    const results = nats.subscribe('result.billing:report.*', { max: 1 });
    await nats.flush();
    await nats.jetstream().publish('invoke.billing:report', JSON.stringify({ n: 4 }));
    for await (const { data } of results) {
      const envelope = JSON.parse(Buffer.from(data).toString()) as Envelope;
      expect(envelope).toMatchObject({
        request_context: { function_urn: `urn:fss:local:${PROJECT}:function:billing:report:latest` },
        response_payload: 'billing report report 4',
      });
    }
    await nats.close();
  });

  test('of two projects are four functions', async () => {
    const headers = { 'x-auth-token': STRANGER.token };
    await create('billing', headers, STRANGER.project);
    const { request_id } = await json<{ request_id: string }>('POST', '/api/functions/billing:report/invocations', {}, headers);
    const found = await json<InvocationView>('GET', `/api/invocations/${request_id}`, undefined, { ...headers, prefer: 'wait=30' });
    expect(found).toMatchObject({ function: 'billing:report', ...returned('billing report report ') });
    expect((await sequent.call('GET', `/api/invocations/${request_id}`)).status).toBe(404);
    expect((await sequent.call('GET', '/api/functions/report', { headers })).status).toBe(404);
    expect(
      (await sequent.call('DELETE', '/api/functions/billing:report', { headers: { ...headers, 'if-match': '*' } })).status,
    ).toBeLessThan(300);
    expect((await sequent.call('GET', '/api/functions/billing:report')).status).toBe(200);
  });

  test('are destinations of each other, by URN', async () => {
    const urn = `urn:fss:local:${PROJECT}:function:billing:report:latest`;
    const param = JSON.stringify({ func_urn: urn });
    const config = { destination_config: { on_success: { destination: 'FunctionGraph', param } } };
    await json('PUT', `/v2/${PROJECT}/fgs/functions/report/async-invoke-config`, config);
    const { request_id } = await json<{ request_id: string }>('POST', `/v2/${PROJECT}/fgs/functions/report/invocations-async`, { n: 5 });
    await vi.waitFor(async () => {
      const { nodes } = await json<{ nodes: InvocationRow[] }>('GET', `/api/invocations/${request_id}/tree`);
      expect(nodes.map((node) => [node.function, node.status])).toEqual([
        ['report', 'SUCCESS'],
        ['billing:report', 'SUCCESS'],
      ]);
    }, PATIENCE);
    const { edges } = await json<{ edges: { from: string; to: string }[] }>('GET', '/api/destinations/graph');
    expect(edges).toMatchObject([{ from: 'report', to: 'billing:report:latest' }]);
  });

  test('share one idempotency key, and are two invocations', async () => {
    const key = { 'idempotency-key': 'of-two-packages' };
    for (const name of ['report', 'billing:report']) await json('POST', `/api/functions/${name}/invocations`, { n: 6 }, key);
    for (const [name, packageOf] of [
      ['report', 'default'],
      ['billing:report', 'billing'],
    ])
      await vi.waitFor(
        async () =>
          expect(await json('GET', `/api/invocations/of-two-packages?function=${name}`)).toMatchObject(
            returned(`${packageOf} report report 6`),
          ),
        PATIENCE,
      );
  });
});

describe('a function of a package', () => {
  test('has versions, aliases, test events and a flow of its own', async () => {
    const path = '/api/functions/billing:report';
    await json('POST', `${path}/versions`, { version: 'v1' });
    await json('PUT', `${path}/aliases/live`, { version: 'v1' });
    await json('PUT', `${path}/test-events/first`, { n: 7 });
    const events = await json<{ events: { name: string }[] }>('GET', `${path}/test-events`);
    expect(events.events).toMatchObject([{ name: 'first' }]);
    expect((await json<{ events: unknown[] }>('GET', '/api/functions/report/test-events')).events).toEqual([]);
    const { request_id } = await json<{ request_id: string }>('POST', `${path}/invocations?qualifier=!live`, { n: 7 });
    expect(await waitFor(request_id)).toMatchObject({ version: 'v1', ...returned('billing report report 7') });

    const found = await sequent.call('GET', path);
    const { definition } = (await found.json()) as { definition: object };
    const headers = { 'if-match': found.headers.get('etag') ?? '' };
    await json('PUT', path, { ...definition, flow: { concurrency: 1, key: '$.n' } }, headers);
    expect(await invoke('billing:report', { n: 8 })).toMatchObject(returned('billing report report 8'));
    const { pools } = await json<{ pools: { pool: string; is_shared: boolean }[] }>('GET', '/api/flow?name=billing:report');
    expect(pools).toMatchObject([{ pool: 'billing:report', is_shared: false }]);
  });

  test('is invoked by a schedule, which has no package, and by a batch', async () => {
    const schedule = { cron: '0 3 1 1 *', function: 'billing:report', event: { n: 9 } };
    await json('PUT', '/api/schedules/nightly', schedule);
    const run = await json<{ request_id: string }>('POST', '/api/schedules/nightly/run');
    expect(await waitFor(run.request_id)).toMatchObject({ function: 'billing:report', ...returned('billing report report 9') });
    const refused = await sequent.call('PUT', '/api/schedules/billing:nightly', { body: schedule });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('must be 1 to 60 letters')]);

    const batch = await sequent.call('POST', '/api/functions/billing:report/batches?key=of-package&ids', { body: '{"n":10}\n{"n":11}\n' });
    expect([batch.status, await batch.text()]).toEqual([200, expect.stringContaining('request_id')]);
    await vi.waitFor(
      async () =>
        expect(await json('GET', '/api/batches/of-package?function=billing:report')).toMatchObject({
          function: 'billing:report',
          members: 2,
          by_status: { SUCCESS: 2 },
        }),
      PATIENCE,
    );
  });

  test.for(['billing:', ':report', 'a:b:c', 'billing:1', 'bil.ling:report', 'billing:*', 'another-project=billing:report'])(
    '%s is refused, and no subject',
    async (name) => {
      const path = `/api/functions/${encodeURIComponent(name)}`;
      const put = await sequent.call('PUT', path, { body: { handler: { kind: 'inline' } } });
      expect([put.status, await put.text()]).toEqual([400, expect.stringContaining('function name')]);
      expect((await sequent.call('POST', `${path}/invocations`, { body: {} })).status).toBe(400);
    },
  );
});
