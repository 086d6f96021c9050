import { expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { changeQuota, listQuotas } from '#src/core/quotas/change-quota.ts';
import { quotaKeyOf } from '#src/core/quotas/project-quota.ts';
import { overtakeNextRead } from '#test/support/overtake-next-read.ts';

test('a change of a quota is decided again after a concurrent one, and both count', async () => {
  const store = createMemoryKeyValue();
  overtakeNextRead(store, quotaKeyOf('shop'), () => changeQuota(store, 'shop', (present) => ({ ...present, open: 7 })));
  expect(await changeQuota(store, 'shop', (present) => ({ ...present, weight: 3 }))).toEqual({ open: 7, weight: 3 });
  expect(await listQuotas(store)).toMatchObject([{ project: 'shop', quota: { open: 7, weight: 3 } }]);
});

test('a change of a quota gives up when every try meets a concurrent one', async () => {
  const store = createMemoryKeyValue();
  const { get } = store;
  let writes = 0;
  store.get = async (key) => {
    const found = await get(key);
    await store.put(key, JSON.stringify({ v: 1, open: ++writes }));
    return found;
  };
  await expect(changeQuota(store, 'shop', (present) => ({ ...present, weight: 3 }))).rejects.toMatchObject({
    code: 'CONFLICT',
    message: 'the quota of the project was changed by another process since it was read',
  });
  expect(writes).toBe(8);
});
