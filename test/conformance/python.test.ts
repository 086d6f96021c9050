import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { otherLimit, type Reply, refusalOf } from '#test/support/conformance/sdk.ts';
import { type System, startSystem } from '#test/support/conformance/system.ts';
import { until } from '#test/support/conformance/until.ts';
import { zipOf } from '#test/support/gateway/zip-archive.ts';
import { hasPython } from '#test/support/hosts/python.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/* Functions in Python through the vendor's SDK alone: the forms of its samples, and the worked example. */

const test = sharedByFile(startSystem);
let system: System;
test.beforeAll(({ sequent: own }) => {
  system = own;
});

const program = (name: string): string => readFileSync(fileURLToPath(new URL(`../support/programs/${name}`, import.meta.url)), 'utf8');
const base64 = (content: string | Buffer): string => Buffer.from(content).toString('base64');

async function create(name: string, code: string, facts: object = {}): Promise<string> {
  const limits = { package: 'default', timeout: 30, memory_size: 256, handler: 'index.handler' };
  const body = { func_name: name, ...limits, runtime: 'Python3.9', code_type: 'inline', func_code: { file: base64(code) }, ...facts };
  return (await system.sdk.createFunction({ body })).func_urn;
}

async function call(urn: string, body: object): Promise<{ value: unknown; log: string }> {
  const reply = await system.sdk.invokeFunction({
    function_urn: urn,
    'X-CFF-Request-Version': 'v1',
    'X-Cff-Log-Type': 'tail',
    body,
  });
  return { value: JSON.parse(reply.result), log: reply.log };
}

describe.skipIf(!hasPython)('a sample in Python', () => {
  test('greets: its initializer runs, its log names the function, its answer is for API Gateway', async () => {
    const urn = await create('hello-in-python', program('hello.py'), { initializer_handler: 'index.initializer', initializer_timeout: 30 });
    const { value, log } = await call(urn, { key: 'value' });
    const headers = { 'Content-Type': 'application/json' };
    expect(value).toEqual({ statusCode: 200, isBase64Encoded: false, body: '{"key": "value"}', headers });
    expect(log).toContain('Function name: hello-in-python');
  });

  test('reads its environment variables, also the encrypted ones, and what the context tells', async () => {
    const data = { user_data: '{"region":"eu-de"}', encrypted_user_data: '{"password":"s3cret"}' };
    const urn = await create('environment-in-python', program('environment.py'), data);
    const { value, log } = await call(urn, {});
    expect(value).toEqual({
      region: ['eu-de', 'eu-de', null],
      function: ['environment-in-python', 'latest', 'default', ''],
      limits: [30, 256, 400],
      hasTime: true,
      credentials: ['', '', '', ''],
    });
    expect(log).toContain('region: eu-de');
  });

  test('handles an event of OBS by a dependency that was uploaded with a version, in a zip of its own', async () => {
    const uploaded = await system.sdk.createDependencyVersion({
      body: {
        depend_type: 'zip',
        depend_file: zipOf([{ name: 'bucket_event.py', content: program('bucket_event.py') }]).toString('base64'),
        runtime: 'Python3.9',
        name: 'bucket-event',
      },
    });
    const file = base64(zipOf([{ name: 'src/main.py', content: program('obs_event.py') }]));
    const urn = await create('obs-in-python', '', {
      handler: 'src/main.handler',
      code_type: 'zip',
      func_code: { file },
      depend_version_list: [uploaded.id],
    });
    const obs = { bucket: { name: 'pictures' }, object: { key: 'a+b%2Fc.png', size: 7 } };
    const { value, log } = await call(urn, { Records: [{ eventName: 'ObjectCreated:Post', eventSource: 'OBS', obs }] });
    expect(value).toEqual({ objects: ['pictures/a b/c.png'] });
    expect(log).toContain('OBS Event: ObjectCreated:Post');
    const shown = await system.sdk.showFunctionConfig({ function_urn: urn });
    expect([shown.runtime, shown.handler, shown.depend_version_list]).toEqual(['Python3.9', 'src/main.handler', [uploaded.id]]);
  });

  test('of Python 2.7 is refused by its name', async () => {
    expect(await refusalOf(create('old', program('hello.py'), { runtime: 'Python2.7' }))).toMatchObject({
      httpStatusCode: 400,
      errorCode: 'FSS.1005',
      errorMsg: expect.stringContaining('Python3'),
    });
  });
});

test.skipIf(!hasPython)('the worked example of the source document (SRC10) runs in Python', async () => {
  const { sdk } = system;
  const logging = 'import json\ndef handler(event, context):\n    print("received " + json.dumps(event))\n';
  const test1 = await create(
    'py-test1',
    "def handler(event, context):\n    if event.get('fails'):\n        raise ValueError('out of stock')\n    return 'hello world!'\n",
  );
  const [test2, test3] = [await create('py-test2', logging), await create('py-test3', logging)];
  const telling = (urn: string) => ({ destination: 'FunctionGraph', param: JSON.stringify({ func_urn: urn }) });
  const destination_config = { on_success: telling(test2), on_failure: telling(test3) };
  await sdk.updateFunctionAsyncInvokeConfig({ function_urn: test1, body: { max_async_retry_attempts: 0, destination_config } });
  const received = async (name: string, urn: string): Promise<Reply> => {
    await until(`${name} ran`, async () => {
      const { invocations } = await sdk.listAsyncInvocations({ function_urn: urn, status: 'SUCCESS', limit: otherLimit() });
      return invocations.length > 0 || undefined;
    });
    const { lines } = (await (await system.raw('GET', `/api/functions/${name}/logs`)).json()) as { lines: { text: string }[] };
    return JSON.parse(/received (\{.*\})/.exec(lines.map(({ text }) => text).join('\n'))?.[1] ?? '');
  };
  const succeeded = await sdk.asyncInvokeFunction({ function_urn: test1, body: { aaa: 123 } });
  expect(await received('py-test2', test2)).toMatchObject({
    request_context: { request_id: succeeded.request_id, function_urn: test1, condition: '', approximate_invoke_count: 1 },
    request_payload: '{"aaa":123}',
    response_context: { status_code: 200, function_error: '' },
    response_payload: 'hello world!',
  });
  const failed = await sdk.asyncInvokeFunction({ function_urn: test1, body: { fails: true } });
  expect(await received('py-test3', test3)).toMatchObject({
    request_context: { request_id: failed.request_id, condition: 'UnhandledInvocationError' },
    response_context: { function_error: expect.stringContaining('out of stock') },
  });
});
