import { describe, expect } from 'vitest';
import { EveryField, methodsOfSdk, type Reply, refusalOf } from '#test/support/conformance/sdk.ts';
import { OWN, type System, startSystem } from '#test/support/conformance/system.ts';
import { until } from '#test/support/conformance/until.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/* Rows 31 to 35: crashes, errors, changes while events wait, versions and synchronous calls; and the calls that Sequent lacks. */

const test = sharedByFile(startSystem);
let system: System;
test.beforeAll(({ sequent: own }) => {
  system = own;
});

const invoke = async (urn: string, body: object): Promise<string> =>
  (await system.sdk.asyncInvokeFunction({ function_urn: urn, body })).request_id;
const over = ({ status }: Reply): boolean => !['WAIT', 'RUNNING'].includes(status);
const runs = (id: string): number => system.effects().filter(({ request }) => request === id).length;
const oneAtOnce = (urn: string): Promise<Reply> =>
  system.sdk.updateFunctionMaxInstanceConfig({ function_urn: urn, body: { max_instance_num: 1 } });

describe('an accepted event', () => {
  test('row 31: runs after a crash, whether it was waiting or running', async () => {
    const urn = await system.deploy('survivor', { config: { max_async_retry_attempts: 0 } });
    await oneAtOnce(urn);
    const running = await invoke(urn, { gate: 'crash' });
    await until('it runs', () => runs(running) === 1 || undefined);
    const waiting = await Promise.all(Array.from({ length: 10 }, (_, n) => invoke(urn, { n })));
    await system.crash();
    system.openGate('crash');
    for (const id of [running, ...waiting]) expect(await system.record(urn, id, over)).toMatchObject({ status: 'SUCCESS' });
    // An attempt that was lost in the crash consumes no retry. The waiting invocation ran once.
    expect(runs(running)).toBe(2);
    expect(waiting.map(runs)).toEqual(waiting.map(() => 1));
  });

  test('row 33: keeps its terms once it runs; a waiting one gets the terms of its start', async () => {
    const target = await system.deploy('delivered');
    const telling = { destination: 'FunctionGraph', param: JSON.stringify({ func_urn: target }) };
    const urn = await system.deploy('reconfigured', {
      config: { max_async_retry_attempts: 1, destination_config: { on_failure: telling } },
    });
    await oneAtOnce(urn);
    const running = await invoke(urn, { gate: 'row 33', throws: 'running' });
    await until('it runs', () => runs(running) === 1 || undefined);
    const waiting = await invoke(urn, { throws: 'waiting' });
    await system.sdk.deleteFunctionAsyncInvokeConfig({ function_urn: urn });
    // A worker receives the changes of the registry in order, so a worker that runs this function has received the deletion.
    const probe = await system.deploy('probe');
    await system.record(probe, await invoke(probe, {}), over);
    system.openGate('row 33');
    for (const id of [running, waiting]) expect(await system.record(urn, id, over)).toMatchObject({ status: 'FAIL' });
    expect([runs(running), runs(waiting)]).toEqual([2, 1]);
    const delivered = await until(
      'the outcome is delivered',
      () => system.effects('delivered').map(({ event }) => event.request_context.request_id)[0],
    );
    expect(delivered).toBe(running);
    expect(system.effects('delivered')).toHaveLength(1);
  });

  test('row 33: of a deleted function fails with FunctionNotFound, and never runs', async () => {
    const urn = await system.deploy('deleted');
    await oneAtOnce(urn);
    const running = await invoke(urn, { gate: 'deleted' });
    await until('it runs', () => runs(running) === 1 || undefined);
    const waiting = await invoke(urn, {});
    await system.sdk.deleteFunction({ function_urn: urn.replace(/:latest$/, '') });
    const own = async (id: string): Promise<Reply> => await (await system.raw('GET', `/api/invocations/${id}`)).json();
    const ended = await until('what waits is over', async () => {
      const found = await own(waiting);
      return found.status === 'FAIL' ? found : undefined;
    });
    expect(ended.result).toMatchObject({ condition: 'FunctionNotFound', status_code: 404 });
    expect(runs(waiting)).toBe(0);
    expect(await refusalOf(system.sdk.listAsyncInvocations({ function_urn: urn }))).toMatchObject({ httpStatusCode: 404 });
    system.openGate('deleted');
    await until('what ran is over', async () => over(await own(running)) || undefined);
  });
});

describe('a reply', () => {
  test.for<[string, string, string, string | undefined, number]>([
    ['an unknown path', 'GET', `/v2/${OWN.project}/nothing`, undefined, 501],
    ['an unknown function', 'GET', `/v2/${OWN.project}/fgs/functions/nobody/config`, undefined, 404],
    ['an invalid URN', 'GET', `/v2/${OWN.project}/fgs/functions/a:b:c:d:e/config`, undefined, 400],
    ['a body that is no JSON', 'POST', `/v2/${OWN.project}/fgs/functions`, '{', 406],
    ['a body of the wrong shape', 'POST', `/v2/${OWN.project}/fgs/functions`, '{"func_name":1}', 400],
    ['another project', 'GET', '/v2/another-project/fgs/functions', undefined, 403],
    ['an unknown version', 'GET', `/v2/${OWN.project}/fgs/functions/${OWN.project}:default:nobody:v9/config`, undefined, 404],
  ])('row 32: to %s is JSON with a code, a message and the request id', async ([, method, path, body, status]) => {
    const reply = await system.raw(method, path, body === undefined ? {} : { body });
    const { error_code, error_msg } = (await reply.json()) as { error_code: string; error_msg: string };
    expect([reply.status, reply.headers.get('content-type')]).toEqual([status, 'application/json']);
    expect([error_code, error_msg, reply.headers.get('x-request-id')]).toEqual([
      expect.stringMatching(/^(?:FSS|APIGW)\.\d{4}$/),
      expect.stringMatching(/\S/),
      expect.stringMatching(/\S/),
    ]);
  });

  test('row 32: has a request id also without an error, and the SDK reads the id of an error', async () => {
    const reply = await system.raw('GET', `/v2/${OWN.project}/fgs/functions`, { headers: { 'x-request-id': 'mine-1' } });
    expect([reply.status, reply.headers.get('x-request-id')]).toEqual([200, 'mine-1']);
    const refused = await refusalOf(system.sdk.showFunctionConfig({ function_urn: 'nobody' }));
    expect(refused).toMatchObject({
      errorCode: 'FSS.1051',
      errorMsg: expect.stringMatching(/nobody/),
      requestId: expect.stringMatching(/\S/),
    });
  });
});

describe('a version', () => {
  test('row 34: has its own configuration, and runs for its alias, as the URN in the event shows', async () => {
    const target = await system.deploy('received');
    const telling = { destination: 'FunctionGraph', param: JSON.stringify({ func_urn: target }) };
    const code = (says: string): string => `exports.handler = async () => '${says}';`;
    const urn = await system.deploy('published', {
      code: code('old'),
      config: { max_async_retry_attempts: 2, destination_config: { on_success: telling } },
    });
    const version = await system.sdk.createFunctionVersion({ function_urn: urn, body: { version: 'v1', description: 'the first' } });
    expect(version).toMatchObject({
      version: 'v1',
      version_description: 'the first',
      function_async_config: { max_async_retry_attempts: 2, destination_config: { on_success: telling } },
    });
    const { versions } = await system.sdk.listFunctionVersions({ function_urn: urn });
    expect(versions.map((one: Reply) => [one.version, one.function_async_config?.max_async_retry_attempts])).toEqual(
      expect.arrayContaining([
        ['latest', 2],
        ['v1', 2],
      ]),
    );
    await system.sdk.createVersionAlias({ function_urn: urn, body: { name: 'prod', version: 'v1' } });
    await system.deployCode(urn, code('new'));
    const ids = [await invoke(urn.replace(/latest$/, '!prod'), {}), await invoke(urn, {})];
    const received = await until('both outcomes are delivered', () => {
      const all = system.effects('received').map(({ event }) => event);
      return all.length === 2 ? ids.map((id) => all.find((event) => event.request_context.request_id === id)) : undefined;
    });
    expect(received.map(({ request_context, response_payload }) => [request_context.function_urn, response_payload])).toEqual([
      [urn.replace(/latest$/, 'v1'), 'old'],
      [urn, 'new'],
    ]);
  });
});

describe('a synchronous call', () => {
  test('row 35: replies to v1 with the envelope and the request id, and on request with the end of the log', async () => {
    const urn = await system.deploy('called');
    const reply = await system.sdk.invokeFunction({
      function_urn: urn,
      'X-Cff-Log-Type': 'tail',
      'X-CFF-Request-Version': 'v1',
      body: { returns: { a: 1 }, prints: 'a line of the log' },
    });
    expect(reply).toMatchObject({ httpStatusCode: 200, status: 200, result: '{"a":1}', request_id: expect.stringMatching(/\S/) });
    expect(reply.log).toContain('a line of the log');
    expect(reply['X-Cff-Request-Id'] ?? reply.request_id).toBe(reply.request_id);
    const without = await system.sdk.invokeFunction({ function_urn: urn, 'X-CFF-Request-Version': 'v1', body: { prints: 'unseen' } });
    expect(without.log).toBe('');
    const failed = await system.sdk.invokeFunction({ function_urn: urn, 'X-CFF-Request-Version': 'v1', body: { throws: 'at once' } });
    expect([failed.status, JSON.parse(failed.result).errorMessage]).toEqual([500, expect.stringContaining('at once')]);
  });

  test('row 35: replies to v0 with the bare result, and the request id in a header', async () => {
    await system.deploy('bare');
    const path = `/v2/${OWN.project}/fgs/functions/bare/invocations`;
    const reply = await system.raw('POST', path, { body: '{"returns":"hello world!"}' });
    expect([reply.status, await reply.text()]).toEqual([200, 'hello world!']);
    expect(reply.headers.get('x-cff-request-id')).toMatch(/\S/);
    expect(reply.headers.get('x-func-err-code')).toBe('0');
    const failed = await system.raw('POST', path, { body: '{"throws":"no"}' });
    expect([failed.headers.get('x-is-func-err'), failed.headers.get('x-func-err-code')]).toEqual(['true', '4002']);
  });
});

describe('the calls of the SDK', () => {
  const implemented = new Set([
    ...['invokeFunction', 'asyncInvokeFunction', 'cancelAsyncInvocation', 'listAsyncInvocations', 'listActiveAsyncInvocations'],
    ...[
      'showFunctionAsyncInvokeConfig',
      'updateFunctionAsyncInvokeConfig',
      'deleteFunctionAsyncInvokeConfig',
      'listFunctionAsyncInvokeConfig',
    ],
    ...['enableAsyncStatusLog', 'showProjectAsyncStatusLogInfo', 'createFunction', 'listFunctions', 'deleteFunction', 'showFunctionConfig'],
    ...['updateFunctionConfig', 'showFunctionCode', 'updateFunctionCode', 'updateFunctionMaxInstanceConfig', 'createFunctionVersion'],
    ...['listFunctionVersions', 'createVersionAlias', 'listVersionAliases', 'showVersionAlias', 'updateVersionAlias', 'deleteVersionAlias'],
    ...[
      'listQuotas',
      'createDependencyVersion',
      'deleteDependencyVersion',
      'listDependencies',
      'listDependencyVersion',
      'showDependencyVersion',
    ],
  ]);

  test.for(methodsOfSdk().filter((method) => !implemented.has(method)))(
    'that Sequent does not implement are answered with 501 in the shape of the vendor: %s',
    async (method) => {
      const refused = await refusalOf(system.sdk[method](new EveryField()));
      const errorMsg = expect.stringContaining('does not implement this call');
      expect(refused).toMatchObject({ httpStatusCode: 501, errorCode: 'FSS.0501', errorMsg });
    },
  );

  test('are all listed in these tests', () => {
    expect(methodsOfSdk().length).toBe(92);
    expect(methodsOfSdk()).toEqual(expect.arrayContaining([...implemented]));
  });
});
