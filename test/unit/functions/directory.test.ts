import { describe, expect, test, vi } from 'vitest';
import { TimedOutError } from '#src/core/errors.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { StoredSchedules } from '#src/core/schedules/stored-schedules.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';

const inline = { handler: { kind: 'inline' } };

async function open(...definitions: object[]) {
  const store = createMemoryKeyValue();
  const registry = createFunctionRegistry(store);
  for (const definition of definitions) await registry.put({ ...inline, ...definition });
  const problems: string[] = [];
  const { signal } = new AbortController();
  const opening = openFunctionDirectory(store, { signal, onProblem: (problem) => problems.push(problem) });
  return { store, registry, problems, directory: await opening };
}

describe('the function directory', () => {
  test('parses an entry that was there at the start at its first use, and once', async () => {
    const store = createMemoryKeyValue();
    await store.put('broken', '{"name":"broken"}');
    await createFunctionRegistry(store).put({ name: 'used', ...inline });
    const problems: string[] = [];
    const { signal } = new AbortController();
    const directory = await openFunctionDirectory(store, { signal, onProblem: (problem) => problems.push(problem) });
    expect([[...directory.names()].sort(), problems]).toEqual([['broken', 'used'], []]);
    expect(directory.get('used' as FunctionName)).toBe(directory.get('used' as FunctionName));
    expect([directory.get('broken' as FunctionName), directory.get('broken' as FunctionName)]).toEqual([undefined, undefined]);
    expect(problems).toMatchObject([expect.stringMatching(/^function broken is not valid/)]);
  });

  test('finds the functions whose texts contain a text, of which it has used some', async () => {
    const store = createMemoryKeyValue();
    const registry = createFunctionRegistry(store);
    for (const name of ['plain', 'limited'])
      await registry.put({ name, ...inline, ...(name === 'plain' ? {} : { flow: { concurrency: 1 } }) });
    const directory = await openFunctionDirectory(store, { signal: new AbortController().signal });
    const found = () =>
      directory.containing('"flow"').flatMap(({ definition }) => (definition.flow === undefined ? [] : [definition.name]));
    expect(found()).toEqual(['limited']);
    await registry.put({ name: 'later', ...inline, flow: { concurrency: 1 } });
    await vi.waitFor(() => expect(found()).toEqual(['limited', 'later']));
  });

  test('hands on the schedules of the store, so that a scheduler reads the registry once', async () => {
    const store = createMemoryKeyValue();
    await store.put('schedule.nightly', 'first');
    const schedules = new StoredSchedules();
    const { signal } = new AbortController();
    await openFunctionDirectory(store, { signal, schedules });
    const heard: unknown[] = [];
    const ending = new AbortController();
    await schedules.watch(({ key, value }) => heard.push([key, value]), ending.signal);
    expect(heard).toEqual([['schedule.nightly', 'first']]);
    await store.put('schedule.nightly', 'second');
    await store.delete('schedule.nightly');
    expect(heard.slice(1)).toEqual([
      ['schedule.nightly', 'second'],
      ['schedule.nightly', undefined],
    ]);
    ending.abort();
    await store.put('schedule.nightly', 'third');
    expect(heard).toHaveLength(3);
  });

  test('calls a listener with the key of an entry, whatever name another program wrote into it', async () => {
    const store = createMemoryKeyValue();
    await store.put('copy', JSON.stringify({ name: 'orders', ...inline }));
    const directory = await openFunctionDirectory(store, { signal: new AbortController().signal });
    const heard: string[] = [];
    directory.subscribe((name) => heard.push(name));
    expect(heard).toEqual(['copy']);
  });

  test('leaves out the functions whose stored text lacks what a reader looks for', async () => {
    const { directory, registry } = await open({ name: 'limited', flow: { concurrency: 1 } }, { name: 'free' });
    const heard: string[] = [];
    directory.subscribe((name, found) => heard.push(`${name} ${found?.definition.timeoutInMs}`), '"flow"');
    expect(heard).toEqual(['limited 30000']);
    await registry.put({ name: 'free', ...inline, timeoutInMs: 7 });
    await expect.poll(() => heard).toEqual(['limited 30000', 'free 7']);
    expect([...directory.names()]).toEqual(['limited', 'free']);
  });
});

describe('a page of the registry', () => {
  test('has the functions after a name, in their order, and says whether more follow', async () => {
    const { registry, store } = await open({ name: 'c' }, { name: 'a' }, { name: 'bee' }, { name: 'bar' });
    await store.put('broken', 'garbage');
    const namesOf = async (page: Parameters<typeof registry.page>[0]) => {
      const { entries, hasMore } = await registry.page(page);
      return [entries.map(({ definition }) => definition.name), hasMore];
    };
    expect(await namesOf({ limit: 2 })).toEqual([['a', 'bar'], true]);
    // An entry that cannot be read takes no row.
    expect(await namesOf({ limit: 2, after: 'bar' })).toEqual([['bee', 'c'], false]);
    expect(await namesOf({ limit: 2, isWanted: (name) => name.includes('b') })).toEqual([['bar', 'bee'], true]);
    expect(await namesOf({ limit: 9, after: 'z' })).toEqual([[], false]);
  });

  test('is refused when the store does not answer, and lacks no function without a word', async () => {
    const { registry, store } = await open({ name: 'a' }, { name: 'b' });
    const { get } = store;
    store.get = async (key) => (key === 'b' ? Promise.reject(new TimedOutError({ what: 'an answer', afterMs: 1 })) : await get(key));
    await expect(registry.page({ limit: 2 })).rejects.toThrow(TimedOutError);
  });

  test('examines no name that follows it, but the one that says whether more follow', async () => {
    const { registry } = await open(...Array.from({ length: 50 }, (_, index) => ({ name: `f${index + 10}` })));
    const examined: string[] = [];
    await registry.page({ limit: 2, after: 'f20', isWanted: (name) => examined.push(name) > 0 });
    expect(examined).toEqual(['f21', 'f22', 'f23']);
  });

  test('of all functions is one reading of the store, and not a question for each function', async () => {
    const { registry, store } = await open({ name: 'c' }, { name: 'a' }, { name: 'b' });
    const get = vi.spyOn(store, 'get');
    const { entries, hasMore } = await registry.page({ limit: Number.POSITIVE_INFINITY, after: 'a' });
    expect([entries.map(({ definition }) => definition.name), hasMore, get.mock.calls]).toEqual([['b', 'c'], false, []]);
  });
});
