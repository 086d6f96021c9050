import { basename } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { BEYOND_PAUSES_IN_MS, execute, executionOf, handlerFile, neverAborted } from '#test/support/hosts/executions.ts';
import type { RuntimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';

type Language = {
  returned: [name: string, event: object, payload: string][];
  unserializable: [name: string, message: RegExp][];
  thrown: [what: string, errorType: string, text: string][];
  hints: [facts: object, hints: object][];
  frame: RegExp;
  broken: string;
};

/** What differs between the languages of the functions. Those of a custom runtime are the functions of Node.js, in a program. */
const inJavaScript: Language = {
  returned: [
    ['returnUndefined', {}, ''],
    ['callBack', { id: 7 }, '{"called":7}'],
    ['callBackFromAsync', {}, 'called back'],
  ],
  unserializable: [
    ['returnCycle', /circular structure/],
    ['returnBigInt', /BigInt/],
    ['returnSymbol', /it is a symbol/],
    ['returnFunction', /it is a function/],
  ],
  thrown: [
    ['text', 'string', 'just text'],
    ['undefined', 'undefined', 'undefined'],
    ['null', 'null', 'null'],
    ['object', 'Object', '{"reason":7}'],
    ['hostile', 'Object', 'a value that cannot be read'],
    ['proxy', 'Object', 'a value that cannot be read'],
  ],
  hints: [[{ retryAfter: -3 }, { retryAfterInMs: 0 }]],
  frame: /^at .*handlers\.mjs/,
  broken: 'RangeError',
};
const inPython: Language = {
  returned: [['awaitIt', { id: 7 }, '{"awaited":7}']],
  unserializable: [
    ['returnCycle', /Circular reference/],
    ['returnSet', /set is not JSON/],
    ['returnNotANumber', /not JSON compliant/],
    ['returnFunction', /function is not JSON/],
  ],
  thrown: [
    ['hostile', 'Hostile', 'a value that cannot be read'],
    ['interrupt', 'KeyboardInterrupt', 'stop'],
  ],
  hints: [[{ retry_after: 1.5 }, { retryAfterInMs: 1_500 }]],
  frame: /^File ".*\/handlers\.py", line \d+, in throwIt$/,
  broken: 'ValueError',
};

/** The values, failures and facts that pass between a host and the functions of a runtime. */
export function describeProcessHostResults(runtime: RuntimeUnderTest): void {
  const { fileOf, processFunction } = runtime;
  const isNode = runtime.id === 'nodejs';
  const isCustom = runtime.id === 'custom';
  const isPython = runtime.id === 'python';
  const language = isPython ? inPython : inJavaScript;

  const host: FunctionHost = createProcessHost();
  afterAll(() => host.close());

  /** Each export has its own pool. */
  function run(name: string, event?: unknown) {
    return execute(host, processFunction({ name: `f-${name}`, export: name }), event);
  }

  describe('the value that a handler returns', () => {
    test.each([
      ['echo', { id: 7, text: 'ß€😀' }, '{"id":7,"text":"ß€😀"}'],
      ['returnText', {}, 'hello world!'],
      ['returnNull', {}, 'null'],
      ['returnPlainly', { id: 7 }, '{"plain":7}'],
      ...language.returned,
    ] satisfies Language['returned'])('%s arrives as FunctionGraph would give it', async (name, event, payload) => {
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
      const plain = await execute(host, returning('returnLarge'), { length: 5_000_000 });
      expect(plain).toEqual({ kind: 'returned', payload: 'x'.repeat(5_000_000) });
      const escaped = await execute(host, returning('returnRepeated'), { text: '\u0001', count: 5_000_000 });
      expect(escaped).toEqual({ kind: 'returned', payload: '\u0001'.repeat(5_000_000) });
    });

    test('a value beyond 16 MB is a success with an empty value, as any other that is too large (SRC9)', async () => {
      const length = 16 * 1024 * 1024 + 1;
      expect(await run('returnLarge', { length })).toEqual({ kind: 'returned', payload: '', droppedBytes: length });
    });

    test.each(language.unserializable)('%s is a failure of the function, because it is no JSON', async (name, message) => {
      const failure = { kind: 'function', code: 4002, errorType: 'ResultNotSerializable', message: expect.stringMatching(message) };
      expect(await run(name)).toMatchObject({ kind: 'failed', failure });
    });
  });

  describe('the value that a handler throws', () => {
    test('an error is reported with its type, message and stack', async () => {
      const result = await run('throwIt', { what: 'error' });
      expect(result).toEqual({
        kind: 'failed',
        failure: {
          kind: 'function',
          code: 4002,
          errorType: 'TypeError',
          message: 'function invocation exception, error: bad order',
          stackTrace: expect.arrayContaining([expect.stringMatching(language.frame)]),
        },
      });
    });

    test.each(language.thrown)('a thrown %s is a failure too', async (what, errorType, text) => {
      const message = `function invocation exception, error: ${text}`;
      expect(await run('throwIt', { what })).toMatchObject({
        kind: 'failed',
        failure: { kind: 'function', code: 4002, errorType, message },
      });
    });

    test.each([
      [{ retryable: false, retryAfter: 5 }, { retryable: false }],
      [{ retryable: true, retryAfter: 1.5 }, { retryAfterInMs: 1_500 }],
      [{ retryAfter: '120' }, { retryAfterInMs: 120_000 }],
      [{ retryAfter: 1e12 }, { retryAfterInMs: 2_592_000_000 }],
      [{ retryable: 'no', retryAfter: 'soon' }, {}],
      ...language.hints,
    ] satisfies Language['hints'])('an error with %j says when and whether another attempt follows', async (facts, hints) => {
      const { kind, failure } = { failure: undefined, ...(await run('throwWith', facts)) };
      expect(kind).toBe('failed');
      const { retryable, retryAfterInMs } = failure ?? {};
      expect({ retryable, retryAfterInMs }).toEqual({ retryable: undefined, retryAfterInMs: undefined, ...hints });
    });

    test.skipIf(isPython)('a synchronous throw fails in the same way', async () => {
      expect(await run('throwAtOnce')).toMatchObject({ failure: { code: 4002, message: 'function invocation exception, error: at once' } });
    });

    test.skipIf(isPython)('an error given to the callback is an entry exception', async () => {
      const failure = { code: 4002, errorType: 'RangeError', message: 'function entry exception, error: out of stock' };
      expect(await run('callBackError')).toMatchObject({ kind: 'failed', failure: isCustom ? { errorType: 'RangeError' } : failure });
    });

    test.skipIf(!isNode)('an uncaught error fails the execution in progress', async () => {
      const failure = { code: 4002, errorType: 'TypeError', message: 'function invocation exception, error: uncaught' };
      expect(await run('throwLater')).toMatchObject({ kind: 'failed', failure });
    });
  });

  describe('loading', () => {
    test.skipIf(!isNode)('supports CommonJS modules and any export name', async () => {
      const file = handlerFile('handlers.cjs');
      const handler = processFunction({ name: 'cjs', file, export: 'handler' });
      expect(await execute(host, handler, { id: 1 })).toEqual({ kind: 'returned', payload: '{"from":"CommonJS","event":{"id":1}}' });
      const named = processFunction({ name: 'cjs-named', file, export: 'on-order' });
      expect(await execute(host, named)).toEqual({ kind: 'returned', payload: 'called back' });
    });

    test.skipIf(!isNode)('supports TypeScript modules', async () => {
      const definition = processFunction({ name: 'ts', file: handlerFile('handler.ts'), export: 'handler' });
      expect(await execute(host, definition, { id: 7 })).toEqual({ kind: 'returned', payload: '{"typed":7}' });
    });

    test('fails with 4001 for a missing file or export', async () => {
      const file = `/nowhere/${basename(fileOf('handlers'))}`;
      expect(await execute(host, processFunction({ name: 'no-file', file }))).toMatchObject({
        failure: { kind: 'function', code: 4001, message: expect.stringContaining(file) },
      });
      const noExport = processFunction({ name: 'no-export', export: 'absent' });
      expect(await execute(host, noExport)).toMatchObject({
        failure: { kind: 'function', code: 4001, message: expect.stringContaining('"absent"') },
      });
    });

    test('fails every waiting execution with 4201 when the module throws', async () => {
      const definition = processFunction({ name: 'broken', file: fileOf('broken') });
      const results = await Promise.all([1, 2, 3].map((id) => execute(host, definition, { id })));
      for (const result of results) {
        const message = 'function initialization exception: cannot be loaded';
        expect(result).toMatchObject({ failure: { kind: 'function', code: 4201, errorType: language.broken, message } });
      }
    });
  });

  describe('the initializer', () => {
    test('runs once in a process, before its first execution', async () => {
      const definition = processFunction({ name: 'init', export: 'countInitializations', initializer: 'initializer' });
      expect(await execute(host, definition)).toEqual({ kind: 'returned', payload: '1' });
      expect(await execute(host, definition)).toEqual({ kind: 'returned', payload: '1' });
    });

    test.skipIf(isPython)('may use a callback', async () => {
      const definition = processFunction({ name: 'init-cb', export: 'echo', initializer: 'calledBackInitializer' });
      expect(await execute(host, definition)).toEqual({ kind: 'returned', payload: '{}' });
    });

    test('fails the attempt with 4201 and its output when it throws', async () => {
      const definition = processFunction({ name: 'init-throws', export: 'echo', initializer: 'failingInitializer' });
      expect(await execute(host, definition)).toMatchObject({
        failure: { kind: 'function', code: 4201, errorType: 'TypeError', message: 'function initialization exception: no database' },
        output: 'about to fail\n',
      });
    });

    test('fails the attempt with 4211 when it never ends', async () => {
      // The limit counts from the start of the process, which has to load the module before.
      const impatient = createProcessHost({ startTimeoutInMs: BEYOND_PAUSES_IN_MS });
      onTestFinished(() => impatient.close());
      const definition = processFunction({ name: 'init-hangs', export: 'echo', initializer: 'hangingInitializer' });
      expect(await execute(impatient, definition)).toMatchObject({ failure: { kind: 'function', code: 4211 } });
    });
  });

  // A program has the environment and the headers of the requests instead.
  describe.skipIf(isCustom)('the context', () => {
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

    test('logs lines of time, request id, level and text', async () => {
      const definition = processFunction({ name: 'log', export: 'log' });
      const { output } = await host.execute(executionOf(definition, {}, { requestId: 'r-8' as never }), neverAborted());
      expect(output).toMatch(/^\S+Z r-8 \[info\] one \{"two":2\}\n\S+Z r-8 \[error\] three\n$/);
    });
  });
}
