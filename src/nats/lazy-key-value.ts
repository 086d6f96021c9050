import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

/** A store that is opened at its first use. A failure to open is the failure of that use; the next use tries again. */
export function createLazyKeyValue(open: () => Promise<KeyValue>): KeyValue {
  let opened: Promise<KeyValue> | undefined;

  function store(): Promise<KeyValue> {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  }

  return {
    get: async (key) => await (await store()).get(key),
    put: async (key, value, expected) => await (await store()).put(key, value, expected),
    delete: async (key, expected) => await (await store()).delete(key, expected),
    erase: async (key, revision) => await (await store()).erase(key, revision),
    keys: async () => await (await store()).keys(),
    newestRevision: async () => await (await store()).newestRevision(),
    reachedWatchers: async (revision) => await (await store()).reachedWatchers(revision),
    watch: async (onChange, signal) => await (await store()).watch(onChange, signal),
  };
}
