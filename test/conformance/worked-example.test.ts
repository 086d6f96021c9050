import { expect } from 'vitest';
import { otherLimit, type Reply } from '#test/support/conformance/sdk.ts';
import { type System, startSystem } from '#test/support/conformance/system.ts';
import { until } from '#test/support/conformance/until.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/* The worked example of the source document (SRC10), through the vendor's SDK alone. */

const test = sharedByFile(startSystem);
let system: System;
test.beforeAll(({ sequent: own }) => {
  system = own;
});

test('test1 invokes test2 on success and test3 on failure, each with the event of the document', async () => {
  const { sdk } = system;
  const [test1, test2, test3] = await Promise.all(['test1', 'test2', 'test3'].map((name) => system.deploy(name)));
  const telling = (urn: string | undefined) => ({ destination: 'FunctionGraph', param: JSON.stringify({ func_urn: urn }) });
  await sdk.updateFunctionAsyncInvokeConfig({
    function_urn: test1,
    body: { max_async_retry_attempts: 0, destination_config: { on_success: telling(test2), on_failure: telling(test3) } },
  });

  const invoke = async (body: object): Promise<Reply> => {
    const { request_id } = await sdk.asyncInvokeFunction({ function_urn: test1, body });
    return await until(`${request_id} is over`, async () => {
      const { invocations } = await sdk.listAsyncInvocations({ function_urn: test1, request_id, limit: otherLimit() });
      return invocations.find(({ status }: Reply) => status === 'SUCCESS' || status === 'FAIL');
    });
  };
  /** The events that a function has received so far. */
  const received = async (urn: string | undefined, name: string, count: number): Promise<Reply[]> =>
    await until(`${name} ran ${count} times`, async () => {
      const { invocations } = await sdk.listAsyncInvocations({ function_urn: urn, status: 'SUCCESS', limit: otherLimit() });
      return invocations.length === count ? system.effects(name).map(({ event }) => event) : undefined;
    });

  const success = await invoke({ aaa: 123, returns: 'hello world!' });
  expect(success).toMatchObject({ status: 'SUCCESS', error_code: 0, error_message: '' });
  expect(await received(test2, 'test2', 1)).toEqual([
    {
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      request_context: { request_id: success.request_id, function_urn: test1, condition: '', approximate_invoke_count: 1 },
      request_payload: '{"aaa":123,"returns":"hello world!"}',
      response_context: { status_code: 200, function_error: '' },
      response_payload: 'hello world!',
    },
  ]);

  const failure = await invoke({ aaa: 123, throws: 'out of stock' });
  expect(failure).toMatchObject({ status: 'FAIL', error_code: 4002, error_message: expect.stringContaining('out of stock') });
  const [envelope] = await received(test3, 'test3', 1);
  expect(envelope).toMatchObject({
    request_context: { request_id: failure.request_id, function_urn: test1, condition: 'UnhandledInvocationError' },
    response_context: { function_error: expect.stringContaining('out of stock') },
  });
  // Each function received its own outcome only.
  expect([system.effects('test2').length, system.effects('test3').length]).toEqual([1, 1]);
});
