import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue, KeyValueEntry } from '#src/core/ports/stores/key-value.ts';

type OnChange = Parameters<KeyValue['watch']>[0];

/** The key-value store in memory: the executable specification of the port. */
export function createMemoryKeyValue(): KeyValue {
  const entries = new Map<string, KeyValueEntry>();
  const watchers = new Set<OnChange>();
  let revision = 0;

  function expectRevision(key: string, expected: number | undefined): void {
    if (expected !== undefined && (entries.get(key)?.revision ?? 0) !== expected) throw new ConflictError({ what: `"${key}"` });
  }

  function notify(change: Parameters<OnChange>[0]): void {
    // Asynchronous, as a server is: the caller of `put` never runs the code of a watcher.
    for (const onChange of watchers) queueMicrotask(() => watchers.has(onChange) && onChange(change));
  }

  return {
    get: async (key) => entries.get(key),
    async put(key, value, expected) {
      expectRevision(key, expected);
      revision++;
      entries.set(key, { value, revision });
      notify({ key, value, revision });
      return revision;
    },
    async delete(key, expected) {
      expectRevision(key, expected);
      if (entries.delete(key)) notify({ key, revision: ++revision });
    },
    async erase(key, revisionToErase) {
      if (revisionToErase === undefined || entries.get(key)?.revision === revisionToErase) entries.delete(key);
    },
    keys: async () => [...entries.keys()].sort(),
    names: async (prefix = '') => [...entries.keys()].filter((key) => key.startsWith(prefix)).sort(),
    newestRevision: async () => revision,
    // A watcher is called before the promise of the change resolves.
    reachedWatchers: async () => {},
    async watch(onChange, signal) {
      if (signal.aborted) return;
      watchers.add(onChange);
      signal.addEventListener('abort', () => watchers.delete(onChange), { once: true });
      for (const [key, entry] of entries) onChange({ key, ...entry });
    },
  };
}
