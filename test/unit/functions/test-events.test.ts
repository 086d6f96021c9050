import { describe, expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';

async function open() {
  const store = createMemoryKeyValue();
  const registry = createFunctionRegistry(store, { clock: { now: () => 7 } });
  const { revision } = await registry.put({ name: 'tried', handler: { kind: 'inline' } });
  return { store, registry, revision };
}

describe('the test events of a function', () => {
  test('are kept by name as they were written, and are no function', async () => {
    const { store, registry, revision } = await open();
    await registry.testEvents.put('tried', { name: 'small', text: '{"n":1}' });
    await registry.testEvents.put('tried', { name: 'large', text: '{ "n": 2 }' });
    await registry.testEvents.put('tried', { name: 'small', text: '[]' });
    expect(await registry.testEvents.list('tried')).toEqual([
      { name: 'large', text: '{ "n": 2 }', changedAt: 7 },
      { name: 'small', text: '[]', changedAt: 7 },
    ]);
    expect((await registry.list()).map((found) => [found.definition.name, found.revision])).toEqual([['tried', revision]]);
    const problems: string[] = [];
    const directory = await openFunctionDirectory(store, {
      signal: new AbortController().signal,
      onProblem: (problem) => problems.push(problem),
    });
    expect([[...directory.names()].length, problems]).toEqual([1, []]);
  });

  test('that two people save at the same time are both kept', async () => {
    const { registry } = await open();
    await Promise.all(['one', 'two', 'three'].map((name) => registry.testEvents.put('tried', { name, text: '1' })));
    expect((await registry.testEvents.list('tried')).map(({ name }) => name)).toEqual(['one', 'three', 'two']);
  });

  test('stay when the example of the schema changes, and the example stays when an event is saved', async () => {
    const { store, registry } = await open();
    await registry.testEvents.putExample('tried', '{"n":0}');
    await registry.testEvents.put('tried', { name: 'one', text: '1' });
    expect(await registry.testEvents.example('tried')).toBe('{"n":0}');
    const { revision } = (await store.get('test-events.tried')) ?? {};
    await registry.testEvents.putExample('tried', '{"n":0}');
    expect((await store.get('test-events.tried'))?.revision).toBe(revision);
    await registry.testEvents.putExample('tried', undefined);
    expect(await registry.testEvents.example('tried')).toBeUndefined();
    expect((await registry.testEvents.list('tried')).map(({ name }) => name)).toEqual(['one']);
  });

  test('go with their function, and are deleted by name', async () => {
    const { store, registry } = await open();
    await registry.testEvents.put('tried', { name: 'one', text: '1' });
    expect([await registry.testEvents.delete('tried', 'two'), await registry.testEvents.delete('tried', 'one')]).toEqual([false, true]);
    await registry.testEvents.put('tried', { name: 'one', text: '1' });
    await registry.delete('tried');
    expect(await store.keys()).toEqual([]);
  });

  test.for<[string, { name: string; text: string }, RegExp]>([
    ['a text that is no JSON', { name: 'one', text: '{' }, /is not JSON/],
    ['a name with a space', { name: 'my event', text: '1' }, /must be 1 to 64 letters/],
    ['a text that is too large', { name: 'one', text: JSON.stringify('x'.repeat(200_000)) }, /is too large/],
  ])('are refused for %s', async ([, event, reason]) => {
    await expect((await open()).registry.testEvents.put('tried', event)).rejects.toThrow(reason);
  });

  test('are refused beyond the twentieth', async () => {
    const { registry } = await open();
    for (let index = 0; index < 20; index++) await registry.testEvents.put('tried', { name: `e${index}`, text: '1' });
    await expect(registry.testEvents.put('tried', { name: 'last', text: '1' })).rejects.toThrow(/delete one first/);
  });
});
