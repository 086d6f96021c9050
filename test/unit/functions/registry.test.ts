import { beforeEach, describe, expect, test } from 'vitest';
import { termsOf } from '#src/core/functions/definition.ts';
import { mergeDefinition } from '#src/core/functions/merge-definition.ts';
import { createMemoryCodePackages } from '#src/core/memory/memory-code-packages.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';

const inline = { handler: { kind: 'inline' } };

let store: KeyValue;
let registry: FunctionRegistry;
beforeEach(() => {
  store = createMemoryKeyValue();
  registry = createFunctionRegistry(store);
});

describe('the function registry', () => {
  test('refuses a package that the project of the function did not upload, and does not say who did', async () => {
    const packages = createMemoryCodePackages({ now: () => 0 });
    const checked = createFunctionRegistry(store, { packages });
    const digest = await packages.put(Buffer.from('a'), 'a');
    const of = (name: string) => ({ name, handler: { kind: 'process', package: digest, file: 'index.js' } });
    const refusal = 'handler.package cannot be used: the project of the function uploaded no package with this digest';
    for (const name of ['b=thief', 'own-thief']) await expect(checked.put(of(name))).rejects.toThrow(refusal);
    expect((await checked.put(of('a=owner'))).definition.handler).toMatchObject({ package: digest });
  });

  test.for([
    ['userData', { userData: { 'a\u0007': 'x' } }],
    ['secretUserData', { secretUserData: { 'a\u202eb': 'x' } }],
    ['handler.file', { handler: { kind: 'process', file: '/code/x\u202e.js' } }],
    ['handler.export', { handler: { kind: 'process', file: '/code/x.js', export: 'a\u001b[2Jb' } }],
    ['handler.initializer', { handler: { kind: 'process', file: '/code/x.js', initializer: 'a\nb' } }],
  ] as const)('refuses a name in %s that could steer a terminal or reverse its text', async ([field, fields]) => {
    const put = registry.put({ name: 'orders', ...inline, ...fields });
    await expect(put).rejects.toThrow(/must not hold control characters, or characters that change the direction of text/);
    await expect(put).rejects.toThrow(field);
  });

  test.for(['', 'a b', 'x:y', 'x\r\nhost', 'größe'])(
    'refuses the header %j of an endpoint, whose name HTTP does not allow',
    async (name) => {
      const handler = { kind: 'http', url: 'https://example.com', headers: { [name]: 'v' } };
      await expect(registry.put({ name: 'orders', handler })).rejects.toThrow('is no name of a header');
      await expect(registry.put({ name: 'orders', handler: { ...handler, headers: { 'x-a': 'b\r\nc' } } })).rejects.toThrow('of one line');
    },
  );

  test.for<[string, string, string]>([
    ['python3', 'index.js', 'python3 cannot run index.js: the name of a file of Python ends with .py'],
    ['python3.12', 'index', 'python3.12 cannot run index: the name of a file of Python ends with .py'],
    ['nodejs', 'greet.py', 'nodejs cannot run greet.py: the name of a file of Node.js ends with .js, .mjs, .cjs, .ts, .mts, .cts, .tsx'],
  ])('refuses the runtime %s of the file %s, whichever way the definition is put', async ([runtime, file, problem]) => {
    const handler = { kind: 'process', file, runtime };
    const refusal = new RegExp(`handler\\.runtime:? ${problem.replaceAll('.', '\\.')}`);
    await expect(registry.put({ name: 'orders', handler })).rejects.toThrow(refusal);
    await expect(registry.change('orders', () => ({ handler }))).rejects.toThrow(refusal);
    await expect(registry.deploy('orders', { definition: { handler } })).rejects.toThrow(refusal);
    await registry.put({ name: 'orders', ...inline });
    await expect(registry.deploy('orders', { definition: {}, versions: { v1: { handler } } })).rejects.toThrow(refusal);
  });

  test('refuses a status that is temporary and final, and accepts one beside its class', async () => {
    const withStatuses = (statuses: object) =>
      registry.put({ name: 'orders', handler: { kind: 'http', url: 'https://example.com', statuses } });
    const problem = /handler\.statuses\.final.* has 409, which is in temporary too/;
    await expect(withStatuses({ temporary: ['429', '409'], final: ['404', '409'] })).rejects.toThrow(problem);
    await expect(withStatuses({ temporary: ['5xx'], final: ['5xx'] })).rejects.toThrow('has 5xx');
    await expect(withStatuses({ temporary: ['409', '5xx'], final: ['4xx'] })).resolves.toBeDefined();
  });

  test('has defaults: no retries, an hour of age', async () => {
    const { definition } = await registry.put({ name: 'orders', ...inline });
    expect(definition).toMatchObject({
      name: 'orders',
      timeoutInMs: 30_000,
      concurrency: 20,
      policy: { maxRetries: 0, maxAgeInSeconds: 3_600, backoff: { initialInMs: 1_000, factor: 2, maxInMs: 60_000 } },
    });
    expect(await registry.get('orders')).toMatchObject({ definition });
  });

  test('keeps the condition of a destination, and the terms of an invocation hold it as JSON text (WHEN1)', async () => {
    const when = { of: 'attempts', greater: 1 };
    const onSuccess = [{ destination: 'NATS', param: { subject: 'orders.done' }, when }];
    const stored = await registry.put({ name: 'orders', ...inline, policy: { onSuccess } });
    expect((await registry.get('orders')).definition.policy.onSuccess).toMatchObject([{ when }]);
    expect(termsOf(stored).onSuccess).toMatchObject([{ id: 'nats-0', when: JSON.stringify(when) }]);
    const refused = registry.put({ name: 'orders', ...inline, policy: { onSuccess: [{ ...onSuccess[0], when: { of: 'attempts' } }] } });
    await expect(refused).rejects.toThrow(/policy\.onSuccess\[0\]\.when has no operator/);
  });

  test('raises the revision with every change, and not when nothing changed', async () => {
    const first = await registry.put({ name: 'orders', ...inline });
    expect((await registry.put({ name: 'orders', ...inline })).revision).toBe(first.revision);
    expect((await registry.put({ name: 'orders', ...inline, timeoutInMs: 1 })).revision).toBeGreaterThan(first.revision);
  });

  test('keeps the pause of a function when a definition does not name one (FN2)', async () => {
    await registry.put({ name: 'orders', ...inline, paused: true });
    expect((await registry.put({ name: 'orders', ...inline, timeoutInMs: 1 })).definition).toMatchObject({ paused: true, timeoutInMs: 1 });
    expect((await registry.put({ name: 'orders', ...inline, paused: false })).definition.paused).toBe(false);
  });

  test('changes the named fields of the present definition, also after a concurrent change (FN2)', async () => {
    const policy = { maxRetries: 3, onFailure: [{ destination: 'HTTP', param: { url: 'http://127.0.0.1:9/hook' } }] };
    await registry.put({ name: 'orders', ...inline, userData: { A: '1', B: '2' }, policy });
    let tries = 0;
    const { definition } = await registry.change('orders', async (present) => {
      if (tries++ === 0) await registry.put({ ...present, description: 'changed by another' });
      return mergeDefinition(present ?? {}, { userData: { A: null, C: '3' }, policy: { backoff: { initialInMs: 5 } } });
    });
    expect(tries).toBe(2);
    expect(definition).toMatchObject({ description: 'changed by another', userData: { B: '2', C: '3' } });
    expect(definition.policy).toMatchObject({ maxRetries: 3, backoff: { initialInMs: 5, maxInMs: 60_000 } });
    expect(definition.policy.onFailure).toHaveLength(1);
    expect(definition.userData).not.toHaveProperty('A');
  });

  test('refuses a destination that names no function, but for those that are defined together (SRC5)', async () => {
    const to = (urn: string) => ({ ...inline, policy: { onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: urn } }] } });
    const put = (name: string, urn: string, known?: string[]) => registry.change(name, () => to(urn), { known });
    await expect(put('a', 'b', [])).rejects.toThrow('function "b" does not exist; define it first');
    await put('a', 'b', ['b']);
    await registry.put({ name: 'b', ...inline });
    await put('c', 'b', []);
    await expect(put('c', 'urn:fss:local:default:function:default:b:v1', [])).rejects.toThrow(
      'function "b" has no version "v1"; define it first',
    );
    await expect(put('c', 'urn:fss:local:default:function:default:b:!prod', [])).rejects.toThrow(
      'function "b" has no alias "prod"; define it first',
    );
    await put('d', 'nowhere');
  });

  test('acknowledges a change, and a deletion, after every watcher was sent it (FN1)', async () => {
    const reached: number[] = [];
    const watched = createFunctionRegistry({ ...store, reachedWatchers: async (revision) => void reached.push(revision) });
    const { revision } = await watched.put({ name: 'orders', ...inline });
    const changed = await watched.changePolicy('orders', 'latest', (policy) => ({ ...policy, maxRetries: 2 }));
    await watched.delete('orders');
    expect(reached).toEqual([revision, changed.revision, changed.revision + 1]);
  });

  test.for<[string, object, RegExp]>([
    ['name', { name: 'a.b', ...inline }, /is not valid: name/],
    ['name', { name: 'x'.repeat(61), ...inline }, /is not valid: name/],
    ['handler.kind', { name: 'f', handler: { kind: 'magic' } }, /is not valid: handler\.kind/],
    ['handler.file', { name: 'f', handler: { kind: 'process' } }, /is not valid: handler\.file/],
    ['handler.subject', { name: 'f', handler: { kind: 'subject', subject: 'a.>' } }, /is not valid: handler\.subject/],
    ['handler.subject', { name: 'f', handler: { kind: 'subject', subject: 'a\r\nPUB b' } }, /is not valid: handler\.subject/],
    ['handler.url', { name: 'f', handler: { kind: 'http', url: 'file:///etc/passwd' } }, /is not valid: handler\.url/],
    ['timeoutInMs', { name: 'f', ...inline, timeoutInMs: 0 }, /is not valid: timeoutInMs/],
    ['memoryInMb', { name: 'f', ...inline, memoryInMb: 1 }, /is not valid: memoryInMb/],
    ['concurrency', { name: 'f', ...inline, concurrency: 1_001 }, /is not valid: concurrency/],
    ['policy.maxRetries', { name: 'f', ...inline, policy: { maxRetries: 4 } }, /is not valid: policy\.maxRetries/],
    ['policy.maxAgeInSeconds', { name: 'f', ...inline, policy: { maxAgeInSeconds: 86_401 } }, /is not valid: policy\.maxAgeInSeconds/],
    ['policy.backoff.jitter', { name: 'f', ...inline, policy: { backoff: { jitter: 2 } } }, /is not valid: policy\.backoff\.jitter/],
    ['an unknown key', { name: 'f', ...inline, retries: 3 }, /has no field "retries"/],
    ['no object', [], /is not valid/],
  ])('refuses an invalid definition and names the problem (%s)', async ([, definition, message]) => {
    const refused = await registry.put(definition).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(message) });
    expect(await registry.list()).toEqual([]);
  });

  test('refuses a handler that the project may not name, and still pauses an older entry with one', async () => {
    const handler = { kind: 'subject', subject: 'erase.x1' };
    await expect(registry.put({ name: 'b=orders', handler })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'handler.subject' });
    const written = parseDefinition({ name: 'b=orders', handler });
    await store.put('b=orders', JSON.stringify(written));
    expect(await registry.put({ ...written, paused: true })).toMatchObject({ definition: { paused: true } });
  });

  test.for<[object, string]>([
    [{ timeoutInMs: 259_200_001 }, 'timeoutInMs: the timeout must be a whole number of milliseconds from 1 to 259,200,000'],
    [{ memoryInMb: 1.5 }, 'memoryInMb: the memory must be a whole number of megabytes from 64 to 10,240'],
    [{ concurrency: 'many' }, 'concurrency: the concurrency must be a whole number of executions from 1 to 1,000'],
    [{ policy: { maxRetries: 99 } }, 'policy.maxRetries: the number of retries must be a whole number from 0 to 3'],
    [
      { policy: { maxAgeInSeconds: 0 } },
      'policy.maxAgeInSeconds: the age of the oldest event must be a whole number of seconds from 1 to 86,400',
    ],
    [
      { policy: { backoff: { initialInMs: -1 } } },
      'policy.backoff.initialInMs: the first delay must be a whole number of milliseconds from 0 to 86,400,000',
    ],
    [{ policy: { backoff: { jitter: 1.1 } } }, 'policy.backoff.jitter: the jitter must be a number from 0 to 1'],
  ])('names the meaning, the bounds and the unit of a refused number: %j', async ([facts, sentence]) => {
    await expect(registry.put({ name: 'f', ...inline, ...facts })).rejects.toMatchObject({
      message: `the function definition is not valid: ${sentence}`,
    });
  });

  test('refuses a put that expects another revision', async () => {
    const { revision } = await registry.put({ name: 'orders', ...inline });
    await registry.put({ name: 'orders', ...inline, timeoutInMs: 1 }, revision);
    const late = registry.put({ name: 'orders', ...inline, timeoutInMs: 2 }, revision);
    await expect(late).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('orders') });
    await expect(registry.put({ name: 'orders', ...inline }, 0)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await registry.get('orders')).definition.timeoutInMs).toBe(1);
  });

  test('lists functions by name, without deleted ones', async () => {
    for (const name of ['b', 'a', 'c']) await registry.put({ name, ...inline });
    await registry.delete('b');
    expect((await registry.list()).map(({ definition }) => definition.name)).toEqual(['a', 'c']);
  });

  test('reports a function that does not exist', async () => {
    for (const call of [registry.get('ghost'), registry.delete('ghost')]) {
      await expect(call).rejects.toMatchObject({ code: 'FUNCTION_NOT_FOUND', message: 'function "ghost" does not exist' });
    }
  });
});

describe('the function directory', () => {
  test('follows the registry, and ignores and reports invalid entries', async () => {
    const problems: string[] = [];
    const stop = new AbortController();
    await registry.put({ name: 'orders', ...inline });
    const directory = await openFunctionDirectory(store, { signal: stop.signal, onProblem: (problem) => problems.push(problem) });
    const orders = 'orders' as FunctionName;
    expect(directory.get(orders)?.definition.timeoutInMs).toBe(30_000);
    await store.put('orders', 'garbage');
    await store.put('strange', '{"name":"strange"}');
    await registry.put({ name: 'last', ...inline }).catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(directory.get(orders)?.definition.timeoutInMs).toBe(30_000);
    expect(problems).toMatchObject(
      [/^function orders is not valid/, /^function strange is not valid/].map((text) => expect.stringMatching(text)),
    );
    stop.abort();
  });
});
