import { expect, test } from 'vitest';
import { InvalidInputError } from '#src/core/errors.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createLayers } from '#src/functions/layers.ts';

const layer = (name: string) => ({ name, digest: 'd', bytes: 1 });

async function open() {
  const store = createMemoryKeyValue();
  const layers = createLayers(store, { now: () => 7 });
  const readStored = async (): Promise<unknown[]> => JSON.parse((await store.get('layers.own'))?.value ?? '[]');
  return { store, layers, readStored, first: await layers.put(undefined, layer('requests')) };
}

test('a stored layer that cannot be read hides no other one, and is kept by every change', async () => {
  const { store, layers, readStored, first } = await open();
  const foreign = { id: 'later', shape: 'of another Sequent' };
  await store.put('layers.own', JSON.stringify([foreign, { ...first, addedLater: true }]));
  expect((await layers.list(undefined)).map(({ name }) => name)).toEqual(['requests']);
  const second = await layers.put(undefined, layer('requests'));
  expect([second.version, await readStored()]).toEqual([2, [foreign, { ...first, addedLater: true }, second]]);
  expect(await layers.delete(undefined, first.id)).toBe(true);
  expect(await layers.delete(undefined, first.id)).toBe(false);
  expect(await readStored()).toEqual([foreign, second]);
});

test('layers that are no list are refused, and no change overwrites them', async () => {
  const { store, layers } = await open();
  await store.put('layers.own', 'garbage');
  for (const attempt of [() => layers.list(undefined), () => layers.put(undefined, layer('more')), () => layers.delete(undefined, 'x')])
    await expect(attempt()).rejects.toThrow(InvalidInputError);
  expect((await store.get('layers.own'))?.value).toBe('garbage');
});

test('the number of a version is never that of another one, also after the newest was deleted', async () => {
  const { layers, first } = await open();
  const second = await layers.put(undefined, layer('requests'));
  expect(await layers.delete(undefined, second.id)).toBe(true);
  expect((await layers.list(undefined)).map(({ version }) => version)).toEqual([1]);
  expect(await layers.put(undefined, layer('requests'))).toMatchObject({ version: 3, groupId: first.groupId });
  for (const { id } of await layers.list(undefined)) await layers.delete(undefined, id);
  await expect(layers.find(undefined, 'requests')).rejects.toThrow('does not exist');
  expect(await layers.put(undefined, layer('requests'))).toMatchObject({ version: 4 });
});

test('layers are as many as the bound, and the names of deleted ones are as many again', async () => {
  const { store, layers, readStored, first } = await open();
  const deleted = Array.from({ length: 400 }, (_, index) => ({ deleted: `gone-${index}`, groupId: 'g', version: 1 }));
  const present = Array.from({ length: 399 }, (_, index) => ({ ...first, id: `${index}`, name: `n-${index}` }));
  await store.put('layers.own', JSON.stringify([...deleted, ...present]));
  await layers.put(undefined, layer('last'));
  await expect(layers.put(undefined, layer('more'))).rejects.toThrow('is one more than 400');
  expect(await readStored()).toHaveLength(799);
});
