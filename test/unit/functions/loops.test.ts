import { beforeEach, describe, expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';

let registry: FunctionRegistry;
let changes = 0;
beforeEach(() => {
  registry = createFunctionRegistry(createMemoryKeyValue());
});

const toFunctions = (targets: readonly string[]) =>
  targets.map((func_urn) => ({ destination: 'FunctionGraph' as const, param: JSON.stringify({ func_urn }) }));
/** Each definition has another timeout, so it can be published. */
const put = (name: string, targets: readonly string[] = [], policy: object = {}) =>
  registry.put({ name, handler: { kind: 'inline' }, timeoutInMs: ++changes, policy: { onSuccess: toFunctions(targets), ...policy } });
const publish = async (name: string, version: string, targets: readonly string[] = []) => {
  await put(name, targets);
  await registry.publish(name, { version });
};
const at = (name: string, qualifier: string): string => `default:default:${name}:${qualifier}`;
const loop = (path: string) => ({ code: 'INVALID_INPUT', message: expect.stringContaining(`close a loop: ${path};`) });

describe('a loop', () => {
  test('of functions is refused with the shortest path, over success and failure', async () => {
    await put('c', ['a']);
    await put('b', [], { onFailure: toFunctions(['c', 'a']) });
    await expect(put('a', ['b'])).rejects.toMatchObject(loop('a → b → a'));
    await expect(put('a', ['a'])).rejects.toMatchObject(loop('a → a'));
    await put('a', ['d']);
  });

  test('through an alias is refused when the function is saved and when the alias is created or moved', async () => {
    await publish('test2', 'v1');
    await publish('test2', 'v2', ['test1']);
    await put('test2');
    await registry.putAlias('test2', { name: 'prod', version: 'v2' });
    await expect(put('test1', [at('test2', '!prod')])).rejects.toMatchObject(loop('test1 → test2:!prod → test1'));

    await registry.putAlias('test2', { name: 'prod', version: 'v1' });
    await put('test1', [at('test2', '!prod'), at('test2', '!next')]);
    const moved = registry.putAlias('test2', { name: 'prod', version: 'v2' });
    await expect(moved).rejects.toMatchObject(loop('test2:!prod → test1 → test2:!prod'));
    const shared = registry.putAlias('test2', { name: 'prod', version: 'v1', weights: { v2: 1 } });
    await expect(shared).rejects.toMatchObject(loop('test2:!prod → test1 → test2:!prod'));
    const made = registry.putAlias('test2', { name: 'next', version: 'v2' });
    await expect(made).rejects.toMatchObject(loop('test2:!next → test1 → test2:!next'));
    expect((await registry.get('test2')).aliases).toMatchObject([{ name: 'prod', version: 'v1' }]);
  });

  test('does not exist when only another version of the function leads back', async () => {
    await publish('test2', 'v1');
    await put('test2', ['test1']);
    await put('test1', [at('test2', 'v1')]);
    await expect(put('test1', ['test2'])).rejects.toMatchObject(loop('test1 → test2 → test1'));
  });

  test('is found by the own policy of an alias, where it has one', async () => {
    await publish('test2', 'v1', ['test1']);
    await put('test2');
    await registry.putAlias('test2', { name: 'prod', version: 'v1', policy: { onSuccess: toFunctions(['other']) } });
    await put('test1', [at('test2', '!prod')]);
    const back = registry.changePolicy('test2', '!prod', (policy) => ({ ...policy, onSuccess: toFunctions(['test1']) }));
    await expect(back).rejects.toMatchObject(loop('test2:!prod → test1 → test2:!prod'));
    await expect(registry.changePolicy('test2', '!prod', () => undefined)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('is refused when an already named version is published, or its policy changes', async () => {
    await put('test1', [at('test2', 'v1')]);
    await put('test2', ['test1']);
    await expect(registry.publish('test2', { version: 'v1' })).rejects.toMatchObject(loop('test2:v1 → test1 → test2:v1'));
    await publish('test2', 'v1');
    const changed = registry.changePolicy('test2', 'v1', (policy) => ({ ...policy, onFailure: toFunctions(['test1']) }));
    await expect(changed).rejects.toMatchObject(loop('test2:v1 → test1 → test2:v1'));
    const fromVersion = registry.changePolicy('test2', 'v1', (policy) => ({ ...policy, onSuccess: toFunctions([at('test2', 'v1')]) }));
    await expect(fromVersion).rejects.toMatchObject(loop('test2:v1 → test2:v1'));
  });

  test('does not exist with an own older version that has no destinations', async () => {
    await publish('test1', 'v1');
    await put('test1', [at('test1', 'v1')]);
  });

  test('through the policy of a version is found from the aliases that refer to it', async () => {
    await publish('test2', 'v1');
    await registry.putAlias('test2', { name: 'prod', version: 'v1' });
    await put('test1', [at('test2', '!prod')]);
    const changed = registry.changePolicy('test2', 'v1', (policy) => ({ ...policy, onSuccess: toFunctions(['test1']) }));
    await expect(changed).rejects.toMatchObject(loop('test2:!prod → test1 → test2:!prod'));
  });

  test('is allowed by any policy in it', async () => {
    await put('a', ['b']);
    await put('b', ['a'], { allowCycle: true });
    await put('a', ['b', 'c']);
    await put('c');
    await expect(put('c', ['a'])).rejects.toMatchObject(loop('c → a → c'));
  });

  test('stays within a project: the same name in another project is another function', async () => {
    await put('other=b', ['a']);
    await put('a', ['b']);
    await expect(put('other=a', ['b'])).rejects.toMatchObject(loop('other=a → other=b → other=a'));
  });
});

test('a destination that names no function is refused, wherever it is configured', async () => {
  const wrong = put('a', ['::::']);
  await expect(wrong).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('policy.onSuccess[0] cannot be used'),
  });
});
