import { describe, expect } from 'vitest';
import { type DeliveringSystem, startDeliveringSystem } from '#test/support/destinations/delivering-system.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test1 = new URL('../../../src/examples/functions/test1.mjs', import.meta.url).pathname;
const logOutcome = new URL('../../../src/examples/functions/log-outcome.mjs', import.meta.url).pathname;

const test = sharedByFile(startDeliveringSystem);
let sequent: DeliveringSystem;
test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  for (const name of ['test2', 'test3']) expect((await sequent.run(['fn', 'put', name, '--file', logOutcome])).code).toBe(0);
  const urn = (name: string): string => `FunctionGraph=urn:fss:local:default:function:default:${name}:latest`;
  const put = await sequent.run(['fn', 'put', 'test1', '--file', test1, '--on-success', urn('test2'), '--on-failure', urn('test3')]);
  expect(put).toMatchObject({ code: 0, stderr: '' });
});

/** Invokes test1, and reads the timeline of the function that gets the outcome. */
async function invokeTest1(id: string, event: string, target: string) {
  const invoked = await sequent.run(['invoke', 'test1', '--id', id, '-d', event]);
  expect(invoked).toMatchObject({ code: 0, stdout: `${id}\n` });
  await sequent.log.untilNotified([id]);
  const envelope = (await sequent.run(['result', id, '--envelope'])).stdout.trim();
  const { requestId } = JSON.parse((await sequent.run(['tail', target, '--from', '1', '--state', 'queued', '-n', '1', '--json'])).stdout);
  await sequent.log.untilNotified([requestId]);
  const timeline = await sequent.run(['timeline', requestId]);
  return { envelope, timeline: timeline.stdout, parent: (await sequent.run(['timeline', id])).stdout };
}

describe('the worked example of the source document (SRC10), through the command line', () => {
  test('when test1 succeeds, the log of test2 shows exactly the envelope', async () => {
    const { envelope, timeline, parent } = await invokeTest1('chain-1', '{"aaa":123}', 'test2');
    expect(timeline).toContain(`test2 received: ${envelope}`);
    expect(JSON.parse(envelope)).toMatchObject({ request_payload: '{"aaa":123}', response_payload: '{"received":{"aaa":123}}' });
    expect(timeline).toContain('hop 1 of the chain of chain-1');
    expect(parent).toContain('delivered to functiongraph-0');
  });

  test('when test1 fails, the log of test3 shows exactly the envelope', async () => {
    const { envelope, timeline } = await invokeTest1('chain-2', '{"fail":true}', 'test3');
    expect(timeline).toContain(`test3 received: ${envelope}`);
    expect(JSON.parse(envelope)).toMatchObject({
      request_context: { condition: 'UnhandledInvocationError' },
      response_context: { status_code: 200, function_error: expect.stringContaining('test1 was asked to fail') },
    });
  });

  test('the destinations of a function are shown with the function', async () => {
    const { stdout } = await sequent.run(['fn', 'get', 'test1']);
    expect(stdout).toMatch(/on success +FunctionGraph .*test2:latest/);
    expect(stdout).toMatch(/on failure +FunctionGraph .*test3:latest/);
  });
});
