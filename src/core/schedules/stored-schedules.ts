import type { KeyValue, KeyValueChange } from '#src/core/ports/stores/key-value.ts';

/**
 * The schedules in the registry, by the changes that the copy of the registry reports. A scheduler follows them here: a watch of its own would read
 * all functions a second time.
 */
export class StoredSchedules implements Pick<KeyValue, 'watch'> {
  readonly #present = new Map<string, KeyValueChange>();
  readonly #watchers = new Set<(change: KeyValueChange) => void>();

  /** Takes over a change of a schedule. */
  applyChange(change: KeyValueChange): void {
    if (change.value === undefined) this.#present.delete(change.key);
    else this.#present.set(change.key, change);
    for (const watcher of this.#watchers) watcher(change);
  }

  async watch(onChange: (change: KeyValueChange) => void, signal: AbortSignal): Promise<void> {
    for (const change of this.#present.values()) onChange(change);
    this.#watchers.add(onChange);
    signal.addEventListener('abort', () => this.#watchers.delete(onChange), { once: true });
  }
}
