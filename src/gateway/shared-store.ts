import type { KeyValue } from '#src/core/ports/key-value.ts';

/**
 * The store of all gateways. A change resolves when the server has sent it to every gateway (FN1), so that a call that follows the answer
 * finds the change on every gateway.
 */
export function createSharedStore(store: KeyValue): KeyValue {
  return {
    ...store,
    async put(key, value, expected) {
      const revision = await store.put(key, value, expected);
      await store.reachedWatchers(revision);
      return revision;
    },
    async delete(key, expected) {
      await store.delete(key, expected);
      await store.reachedWatchers(await store.newestRevision());
    },
  };
}
