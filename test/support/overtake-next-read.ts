import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

/** Lets another writer change a store between the next read of a key and everything that the reader does with the value. */
export function overtakeNextRead(store: KeyValue, key: string, write: () => Promise<unknown>): void {
  const { get } = store;
  store.get = async (wanted) => {
    const found = await get(wanted);
    if (wanted !== key) return found;
    store.get = get;
    await write();
    return found;
  };
}
