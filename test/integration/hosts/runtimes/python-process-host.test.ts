import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { createPythonFinder } from '#src/core/python/find-python.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import {
  execute,
  executionOf,
  handlerFile,
  neverAborted,
  processFunction,
  testedRuntime,
  testRuntime,
} from '#test/support/hosts/executions.ts';
import { hasPython } from '#test/support/hosts/python.ts';

// The tests of the host for Node.js, with the functions of `handlers.py`.
testRuntime('python');
if (hasPython) {
  await import('../process-host-limits.test.ts');
  await import('../process-host-pool.test.ts');
  await import('../process-host-isolation.test.ts');
  await import('../channel-attacks.test.ts');
}

test.skipIf(!hasPython)('the tests of the host for Node.js run in Python', () => expect(testedRuntime()).toBe('python'));

const host: FunctionHost = createProcessHost();
afterAll(() => host.close());

/** Each function has its own pool. */
function run(name: string, event?: unknown) {
  return execute(host, processFunction({ name: `f-${name}`, export: name }), event);
}

describe.skipIf(!hasPython)('the value that a Python handler returns', () => {
  test.each([
    ['echo', { id: 7, text: 'ß€😀' }, '{"id":7,"text":"ß€😀"}'],
    ['returnText', {}, 'hello world!'],
    ['returnNull', {}, 'null'],
    ['returnPlainly', { id: 7 }, '{"plain":7}'],
    ['awaitIt', { id: 7 }, '{"awaited":7}'],
  ])('%s arrives as FunctionGraph would give it', async (name, event, payload) => {
    expect(await run(name, event)).toEqual({ kind: 'returned', payload });
  });

  test('for an empty payload, the event is {}', async () => {
    const definition = processFunction({ name: 'f-echo', export: 'echo' });
    expect(await host.execute(executionOf(definition, {}, { payload: '' }), neverAborted())).toEqual({ kind: 'returned', payload: '{}' });
  });

  test('a value above the limit of a payload stays in the process, which tells its size', async () => {
    expect(await run('returnLarge', { length: 5_000_000 })).toEqual({ kind: 'returned', payload: '', droppedBytes: 5_000_000 });
  });

  test('a value up to the limit of the function arrives in full, however JSON escapes it', async () => {
    const returning = (name: string) => processFunction({ name: `own-${name}`, export: name, maxPayloadBytes: 5_000_000 });
    const escaped = await execute(host, returning('returnRepeated'), { text: '\u0001', count: 5_000_000 });
    expect(escaped).toEqual({ kind: 'returned', payload: '\u0001'.repeat(5_000_000) });
  });

  test.each([
    ['returnCycle', /Circular reference/],
    ['returnSet', /set is not JSON/],
    ['returnNotANumber', /not JSON compliant/],
    ['returnFunction', /function is not JSON/],
  ])('%s is a failure of the function, because it is no JSON', async (name, message) => {
    const failure = { kind: 'function', code: 4002, errorType: 'ResultNotSerializable', message: expect.stringMatching(message) };
    expect(await run(name)).toMatchObject({ kind: 'failed', failure });
  });
});

describe.skipIf(!hasPython)('the value that a Python handler raises', () => {
  test.each([
    ['error', 'TypeError', 'bad order'],
    ['hostile', 'Hostile', 'a value that cannot be read'],
    ['interrupt', 'KeyboardInterrupt', 'stop'],
  ])('an error is reported with its type, message and stack: %s', async (what, errorType, text) => {
    const message = `function invocation exception, error: ${text}`;
    const stackTrace = [expect.stringMatching(/^File ".*\/handlers\.py", line \d+, in throwIt$/)];
    expect(await run('throwIt', { what })).toEqual({
      kind: 'failed',
      failure: { kind: 'function', code: 4002, errorType, message, stackTrace },
    });
  });

  test('an endless recursion is reported with its last 32 frames', async () => {
    const { kind, failure } = { failure: undefined, ...(await run('throwDeep')) };
    expect({ kind, type: failure?.errorType, frames: failure?.stackTrace?.length }).toEqual({
      kind: 'failed',
      type: 'RecursionError',
      frames: 32,
    });
  });

  test.each([
    [{ retryable: false, retry_after: 5 }, { retryable: false }],
    [{ retryable: true, retry_after: 1.5 }, { retryAfterInMs: 1_500 }],
    [{ retryAfter: '120' }, { retryAfterInMs: 120_000 }],
    [{ retry_after: 1e12 }, { retryAfterInMs: 2_592_000_000 }],
    [{ retryable: 'no', retry_after: 'soon' }, {}],
  ])('an error with %j says when and whether another attempt follows', async (facts, hints) => {
    const { retryable, retryAfterInMs } = { failure: undefined, ...(await run('throwWith', facts)) }.failure ?? {};
    expect({ retryable, retryAfterInMs }).toEqual({ retryable: undefined, retryAfterInMs: undefined, ...hints });
  });
});

describe.skipIf(!hasPython)('loading Python', () => {
  test('fails with 4001 for a missing file or function', async () => {
    const noFile = processFunction({ name: 'no-file', file: '/nowhere/index.py' });
    expect(await execute(host, noFile)).toMatchObject({
      failure: { kind: 'function', code: 4001, message: expect.stringContaining('/nowhere/index.py') },
    });
    expect(await run('absent')).toMatchObject({
      failure: { kind: 'function', code: 4001, message: expect.stringContaining('"absent"') },
    });
  });

  test('fails every waiting execution with 4201 when the module raises', async () => {
    const definition = processFunction({ name: 'broken', file: handlerFile('broken.py') });
    for (const result of await Promise.all([1, 2, 3].map((id) => execute(host, definition, { id })))) {
      const message = 'function initialization exception: cannot be loaded';
      expect(result).toMatchObject({ failure: { kind: 'function', code: 4201, errorType: 'ValueError', message } });
    }
  });

  test('a version that is not installed runs on the one called python3, and another runs as named', async () => {
    const finder = createPythonFinder();
    expect((await finder.find('python3.99')).version).toBe((await finder.find('python3')).version);
  });

  test('the initializer runs once in a process, and one that raises fails the attempt with its output', async () => {
    const definition = processFunction({ name: 'init', export: 'countInitializations', initializer: 'initializer' });
    expect(await execute(host, definition)).toEqual({ kind: 'returned', payload: '1' });
    expect(await execute(host, definition)).toEqual({ kind: 'returned', payload: '1' });
    const failing = processFunction({ name: 'init-raises', export: 'echo', initializer: 'failingInitializer' });
    expect(await execute(host, failing)).toMatchObject({
      failure: { kind: 'function', code: 4201, errorType: 'TypeError', message: 'function initialization exception: no database' },
      output: 'about to fail\n',
    });
  });

  test('an initializer that never ends fails the attempt with 4211', async () => {
    const impatient = createProcessHost({ startTimeoutInMs: 8_000 });
    onTestFinished(() => impatient.close());
    const definition = processFunction({ name: 'init-hangs', export: 'echo', initializer: 'hangingInitializer' });
    expect(await execute(impatient, definition)).toMatchObject({ failure: { kind: 'function', code: 4211 } });
  });
});

describe.skipIf(!hasPython)('the context of Python', () => {
  test('has what FunctionGraph documents', async () => {
    const definition = processFunction({ name: 'context', export: 'readContext', userData: { colour: 'red' }, timeoutInMs: 50_000 });
    const facts = {
      requestId: 'r-7' as never,
      qualifier: '!live',
      functionUrn: 'urn:fss:here:p1:function:default:context:!live',
      attempt: 3,
      traceparent: '00-a-b-01',
    };
    const result = await host.execute(executionOf(definition, {}, facts), neverAborted());
    if (result.kind !== 'returned') throw new Error(JSON.stringify(result));
    const { remaining, ...others } = JSON.parse(result.payload);
    expect(remaining).toBeGreaterThan(40_000);
    expect(remaining).toBeLessThanOrEqual(50_000);
    expect(others).toEqual({
      requestId: 'r-7',
      credentials: ['', '', '', '', '', ''],
      userData: ['red', 'none'],
      functionName: 'context',
      runningTime: 50,
      version: 'latest',
      memory: 256,
      cpu: 400,
      package: 'default',
      project: 'p1',
      alias: 'live',
      attempt: 3,
      traceparent: '00-a-b-01',
      isAborted: false,
    });
  });

  test('logs lines of time, request id, level and text, and so does the module logging', async () => {
    const logged = async (name: string) =>
      (await host.execute(executionOf(processFunction({ name, export: name }), {}, { requestId: 'r-8' as never }), neverAborted())).output;
    expect(await logged('log')).toMatch(/^\S+Z r-8 \[info\] one \{"two":2\}\n\S+Z r-8 \[error\] three\n$/);
    expect(await logged('logByModule')).toMatch(/^\S+Z r-8 \[warn\] stock is low\n$/);
  });

  test('a fork of the process prints without the runtime, and cannot write to its channel', async () => {
    expect(await run('printByFork')).toEqual({ kind: 'returned', payload: 'forked', output: 'from a fork\n' });
  });
});
