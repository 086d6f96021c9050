import { describe, expect } from 'vitest';
import { KEYS, PROJECT, type RunningSequent, readEvents, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sdkDate, sign } from '#test/support/gateway/signer.ts';
import { zipOf } from '#test/support/gateway/zip-archive.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const F = `/v2/${PROJECT}/fgs/functions`;
const urn = (name: string): string => `urn:fss:cn-north-4:${PROJECT}:function:default:${name}:latest`;

const test = sharedByFile(startSequent);
let sequent: RunningSequent;
test.beforeAll(({ sequent: own }) => {
  sequent = own;
});

/** Calls with a signature, like the vendor's SDK. */
async function signed(method: string, path: string, body = ''): Promise<Response> {
  const host = new URL(sequent.url).host;
  const headers = { 'content-type': 'application/json', host, 'x-project-id': PROJECT, 'x-sdk-date': sdkDate(Date.now()) };
  const authorization = sign({ method, path, headers, body }, KEYS);
  const { host: _, ...sent } = headers;
  return await fetch(sequent.url + path, { method, headers: { ...sent, authorization }, ...(body === '' ? {} : { body }) });
}

async function create(name: string, source: string, facts: object = {}): Promise<void> {
  const inline = { code_type: 'inline', func_code: { file: Buffer.from(source).toString('base64') } };
  const body = {
    func_name: name,
    package: 'default',
    runtime: 'Node.js18.15',
    timeout: 30,
    handler: 'index.handler',
    memory_size: 128,
    ...inline,
    ...facts,
  };
  const response = await signed('POST', F, JSON.stringify(body));
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining(`:${name}:latest`)]);
}

const invokeSync = (name: string, headers: Record<string, string>, body: unknown = {}) =>
  sequent.call('POST', `${F}/${name}/invocations`, { headers, body });

describe('the worked example', () => {
  test('runs by signed calls only: test2 receives a success of test1, and test3 a failure', async () => {
    const archive = zipOf([
      {
        name: 'index.js',
        content: 'exports.handler = async (event) => { if (event.fail) throw new Error("told to fail"); return { hello: event.name }; }',
      },
    ]);
    await create('test1', '', { code_type: 'zip', func_code: { file: archive.toString('base64') } });
    for (const name of ['test2', 'test3']) await create(name, 'export const handler = async (event) => event;');
    const functionGraph = (name: string) => ({ destination: 'FunctionGraph', param: JSON.stringify({ func_urn: urn(name) }) });
    const config = {
      max_async_retry_attempts: 0,
      destination_config: { on_success: functionGraph('test2'), on_failure: functionGraph('test3') },
    };
    expect((await signed('PUT', `${F}/${urn('test1')}/async-invoke-config`, JSON.stringify(config))).status).toBe(200);

    for (const [event, target] of [
      ['{"name":"中"}', 'test2'],
      ['{"fail":true}', 'test3'],
    ] as const) {
      const stream = await sequent.call('GET', `/api/transitions?function=${target}`);
      const accepted = await signed('POST', `${F}/${urn('test1')}/invocations-async`, event);
      const { request_id } = (await accepted.json()) as { request_id: string };
      expect(accepted.status).toBe(202);
      const [last] = (await readEvents(stream, ({ event: type }) => type === 'succeeded')).slice(-1);
      const { payload = '' } = (last?.data.fact ?? {}) as { payload?: string };
      const envelope: unknown = JSON.parse(payload);
      expect(envelope).toMatchObject({
        request_context: {
          request_id,
          function_urn: `urn:fss:local:${PROJECT}:function:default:test1:latest`,
          condition: target === 'test2' ? '' : 'UnhandledInvocationError',
        },
        request_payload: event,
      });
    }
  });
});

describe('invokeFunction', () => {
  test('replies to v1 with the envelope and to v0 with the bare result, with the headers of the vendor', async () => {
    await create(
      'echo',
      'exports.handler = async (event, context) => { context.getLogger().info("seen", event.name); return "hello " + event.name; }',
    );
    const v1 = await invokeSync('echo', { 'x-cff-request-version': 'v1', 'x-cff-log-type': 'tail' }, { name: 'Ada' });
    expect(v1.status).toBe(200);
    const answer = (await v1.json()) as { request_id: string; log: string };
    expect(answer).toEqual({ request_id: v1.headers.get('x-cff-request-id'), result: 'hello Ada', log: expect.any(String), status: 200 });
    expect(answer.log).toMatch(
      /^Start invoke request '[0-9a-f-]+', version: latest\n.* \[info\] seen Ada\nFinish invoke request .*duration: \d+ms/i,
    );
    expect(Buffer.from(v1.headers.get('x-cff-function-log') ?? '', 'base64').toString()).toBe(answer.log);
    expect(v1.headers.get('x-func-err-code')).toBe('0');
    const summary = JSON.parse(v1.headers.get('x-cff-invoke-summary') ?? '');
    expect(Object.keys(summary).sort()).toEqual(['billingDuration', 'duration', 'memorySize', 'memoryUsed']);
    // A Node process with an empty handler takes some tens of megabytes.
    expect(summary).toMatchObject({ memorySize: 128, memoryUsed: expect.toSatisfy((used: number) => used > 10 && used < 500) });
    expect(answer.log).toContain(`memory used: ${summary.memoryUsed}MB`);
    const v0 = await invokeSync('echo', {}, { name: 'Ada' });
    expect([v0.status, await v0.text()]).toEqual([200, 'hello Ada']);
    expect(v0.headers.get('x-cff-function-log')).toBeNull();
  });

  test('has the memory of the child process that ran it: a process that holds 120 MB more uses more', async () => {
    const memory = { memory_size: 512 };
    await create('light', 'exports.handler = async () => 1', memory);
    await create('heavy', 'const held = Buffer.alloc(120 * 1048576, 1); exports.handler = async () => held.length', memory);
    const usedBy = async (name: string): Promise<number> => {
      const response = await invokeSync(name, {});
      expect(response.status).toBe(200);
      return JSON.parse(response.headers.get('x-cff-invoke-summary') ?? '').memoryUsed;
    };
    const [light, heavy, lightAgain] = [await usedBy('light'), await usedBy('heavy'), await usedBy('light')];
    // The rest of a process varies by some megabytes.
    for (const one of [light, lightAgain]) expect(heavy - one).toBeGreaterThan(90);
  });

  test('reports an error of the function in its headers, and returns the payload of the error', async () => {
    await create('broken', 'exports.handler = async () => { throw new TypeError("oh"); }');
    const response = await invokeSync('broken', { 'x-cff-request-version': 'v1' });
    expect([response.status, response.headers.get('x-is-func-err'), response.headers.get('x-func-err-code')]).toEqual([
      200,
      'true',
      '4002',
    ]);
    const { result, status } = (await response.json()) as { result: string; status: number };
    expect(status).toBe(500);
    expect(JSON.parse(result)).toMatchObject({ errorType: 'TypeError', errorMessage: 'function invocation exception, error: oh' });
  });

  test('runs neither retries nor destinations, and is an invocation of the lists', async () => {
    await create('once', 'exports.handler = async () => { throw new Error("no stock"); }');
    await create('told', 'exports.handler = async () => 1');
    const config = {
      max_async_retry_attempts: 3,
      destination_config: { on_failure: { destination: 'FunctionGraph', param: JSON.stringify({ func_urn: urn('told') }) } },
    };
    expect((await sequent.call('PUT', `${F}/once/async-invoke-config`, { body: config })).status).toBe(200);
    const response = await invokeSync('once', {});
    expect([response.status, response.headers.get('x-is-func-err')]).toEqual([200, 'true']);
    const id = response.headers.get('x-cff-request-id') ?? '';
    const view = (await (await sequent.call('GET', `/api/invocations/${id}/events`)).json()) as { events: { fact: { type: string } }[] };
    expect(view.events.map(({ fact }) => fact.type)).toEqual(['queued', 'running', 'failed', 'notified']);
    expect(view.events[0]?.fact).toMatchObject({ synchronous: true });
    const listed = await sequent.call('GET', `${F}/once/async-invocations?request_id=${id}`);
    expect(await listed.json()).toMatchObject({ invocations: [{ request_id: id, status: 'FAIL', error_code: 4002 }] });
  });

  test('replies 404 for an unknown function, and applies initializers and user data', async () => {
    expect((await invokeSync('nobody', {})).status).toBe(404);
    const source =
      'let ready = 0; exports.init = (context, done) => { ready++; done(); }; exports.handler = async (event, context) => [ready, context.getUserData("k"), process.env.k]';
    await create('prepared', source, { user_data: '{"k":"v"}', initializer_handler: 'index.init' });
    expect(await (await invokeSync('prepared', {})).json()).toEqual([1, 'v', 'v']);
  });
});

describe('asyncInvokeFunction', () => {
  test('replies before the function ends', async () => {
    await create('endless', 'exports.handler = () => new Promise(() => {})', { timeout: 300 });
    const { request_id } = (await (await sequent.call('POST', `${F}/endless/invocations-async`, { body: {} })).json()) as {
      request_id: string;
    };
    const { state } = (await (await sequent.call('GET', `/api/invocations/${request_id}`)).json()) as { state: string };
    expect(['queued', 'running']).toContain(state);
  });
});

describe('two gateways on one NATS', () => {
  test('show the same functions and configurations, and each returns the results of the other', async () => {
    await create('shared', 'exports.handler = async () => 7');
    await using other = await sequent.another();
    expect((await other.call('PUT', `${F}/shared/async-invoke-config`, { body: { max_async_retry_attempts: 3 } })).status).toBe(200);
    expect(await (await sequent.call('GET', `${F}/shared/async-invoke-config`)).json()).toMatchObject({ max_async_retry_attempts: 3 });
    const { request_id } = (await (await other.call('POST', `${F}/shared/invocations-async`, { body: {} })).json()) as {
      request_id: string;
    };
    const done = await sequent.call('GET', `/api/invocations/${request_id}`, { headers: { prefer: 'wait=10' } });
    expect(await done.json()).toMatchObject({ status: 'SUCCESS', result: { payload: '7' } });
    expect((await other.call('DELETE', `${F}/shared`)).status).toBe(204);
    expect((await sequent.call('GET', `${F}/shared/config`)).status).toBe(404);
  });
});
