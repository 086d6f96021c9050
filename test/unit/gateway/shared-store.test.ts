import { expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createSharedStore } from '#src/gateway/gateway.ts';

test('a change of the gateways resolves after every gateway was sent it (FN1)', async () => {
  const reached: number[] = [];
  const store = createMemoryKeyValue();
  const shared = createSharedStore({ ...store, reachedWatchers: async (revision) => void reached.push(revision) });
  const revision = await shared.put('function.orders', '{"max_instance_num":0}');
  expect(reached).toEqual([revision]);
  await shared.delete('function.orders');
  expect(reached).toEqual([revision, revision + 1]);
  await expect(shared.put('function.orders', '{}', 7)).rejects.toMatchObject({ code: 'CONFLICT' });
  const kept = await shared.put('function.orders', '{}');
  await expect(shared.delete('function.orders', kept - 1)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(reached).toHaveLength(3);
});
