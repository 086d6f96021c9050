import { isProjectKey } from '#src/core/encryption/project-settings.ts';
import { ConflictError, FunctionNotFoundError } from '#src/core/errors.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import { decodeEntry, encodeEntry, type FunctionEntry } from '#src/core/functions/entry.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { isQuotaKey } from '#src/core/quotas/project-quota.ts';
import { repeatOnConflict } from '#src/core/repeat-on-conflict.ts';
import { isScheduleKey } from '#src/core/schedules/schedule.ts';
import type { Changed } from './changes.ts';
import { isTestEventsKey } from './test-events.ts';

export type Change = (present: FunctionEntry | undefined) => Changed | Promise<Changed>;

/** The stored entries of functions. A change replaces an entry as a whole by its revision, so concurrent changes lose nothing. */
export class EntryStore {
  readonly #store: KeyValue;

  constructor(store: KeyValue) {
    this.#store = store;
  }

  async read(name: FunctionName): Promise<FunctionEntry | undefined> {
    const entry = await this.#store.get(name);
    return entry === undefined ? undefined : decodeEntry(entry.value, entry.revision);
  }

  /** All readable entries. An unreadable entry, which the registry did not write, is left out; `sequent doctor` reports it. */
  async list(): Promise<FunctionEntry[]> {
    const others = [isProjectKey, isQuotaKey, isTestEventsKey, isScheduleKey];
    const isFunction = (key: string): boolean => !others.some((isOther) => isOther(key));
    const names = (await this.#store.keys()).filter(isFunction) as FunctionName[];
    const entries = await Promise.all(names.map((name) => this.read(name).catch(() => undefined)));
    return entries.filter((entry) => entry !== undefined);
  }

  /**
   * Applies a change to the present entry, again after a concurrent change. An unchanged entry is not stored.
   *
   * Throws `ConflictError` when `expected` is not the present revision.
   */
  async modify(name: FunctionName, change: Change, expected?: number): Promise<FunctionEntry> {
    const modifyOnce = () => this.#modifyOnce(name, change, expected);
    return expected === undefined ? await repeatOnConflict(modifyOnce) : await modifyOnce();
  }

  /** As `modify`. Throws `FunctionNotFoundError` when there is no entry. */
  async modifyPresent(
    name: string,
    change: (present: FunctionEntry) => Changed | Promise<Changed>,
    expected?: number,
  ): Promise<FunctionEntry> {
    const changePresent: Change = (present) => {
      if (present === undefined) throw new FunctionNotFoundError({ name });
      return change(present);
    };
    return await this.modify(parseFunctionName(name), changePresent, expected);
  }

  /** Throws `FunctionNotFoundError`, and `ConflictError` when `expected` is not the present revision. */
  async delete(name: FunctionName, expected?: number): Promise<void> {
    const present = await this.read(name);
    if (present === undefined) throw new FunctionNotFoundError({ name });
    if (expected !== undefined && present.revision !== expected) throw changed(name);
    await this.#store.delete(name, expected).catch(throwChanged(name));
    await this.#store.reachedWatchers(await this.#store.newestRevision());
  }

  async #modifyOnce(name: FunctionName, change: Change, expected: number | undefined): Promise<FunctionEntry> {
    const present = await this.read(name);
    const revision = present?.revision ?? 0;
    const next = await change(present);
    const value = encodeEntry(next);
    // The same definition keeps its revision, so a repeated deployment changes nothing.
    if (present !== undefined && expected === undefined && value === encodeEntry(present)) return present;
    if (expected !== undefined && revision !== expected) throw changed(name);
    const stored = await this.#store.put(name, value, revision).catch(throwChanged(name));
    // The caller may send a request next. Its worker must know the change (FN1).
    await this.#store.reachedWatchers(stored);
    return { ...next, revision: stored, version: LATEST };
  }
}

function throwChanged(name: FunctionName): (cause: unknown) => never {
  return (cause) => {
    throw cause instanceof ConflictError ? changed(name, { cause }) : cause;
  };
}

function changed(name: FunctionName, options?: ErrorOptions): ConflictError {
  return new ConflictError({ what: (nameOf) => `function "${nameOf(name)}"` }, options);
}
