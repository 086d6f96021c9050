import { isProjectKey } from '#src/core/encryption/project-settings.ts';
import { ConflictError, FunctionNotFoundError } from '#src/core/errors.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import { decodeEntry, encodeEntry, type FunctionEntry } from '#src/core/functions/entry.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names/names.ts';
import { type KeyValue, type KeyValueEntry, readEntries } from '#src/core/ports/stores/key-value.ts';
import { isQuotaKey } from '#src/core/quotas/project-quota.ts';
import { repeatOnConflict } from '#src/core/repeat-on-conflict.ts';
import { isScheduleKey } from '#src/core/schedules/schedule.ts';
import type { Changed } from './changes.ts';
import { isLayersKey } from './layers.ts';
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
    const stored = new Map<string, KeyValueEntry>();
    await readEntries(this.#store, ({ key, value, revision }) => {
      if (value === undefined) stored.delete(key);
      else if (isFunctionKey(key)) stored.set(key, { value, revision });
    });
    const names = [...stored.keys()].sort();
    return names.flatMap((name) => decodeReadable(stored.get(name)) ?? []);
  }

  /** The readable entries of a page of names. The server lists names without their entries, so that a page costs little in a large registry. */
  async page({ after = '', limit, isWanted = () => true }: FunctionPage): Promise<{ entries: FunctionEntry[]; hasMore: boolean }> {
    if (limit > MAX_QUESTIONS) {
      const wanted = (await this.list()).filter(({ definition: { name } }) => name > after && isWanted(name));
      return { entries: wanted.slice(0, limit), hasMore: wanted.length > limit };
    }
    const listed = namesOfPage(await this.#store.names(), { after, isWanted });
    const entries: FunctionEntry[] = [];
    for (let names = take(listed, limit); names.length > 0; names = take(listed, limit - entries.length)) {
      const found = await Promise.all(names.map((name) => this.#store.get(name)));
      for (const entry of found.map(decodeReadable)) if (entry !== undefined) entries.push(entry);
    }
    return { entries, hasMore: listed.next().done !== true };
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

/** A longer page is one reading of the whole store, and not a question for each function. */
export const MAX_QUESTIONS = 1_000;

/** Functions by name. `after`: the last name of the page before. */
export type FunctionPage = { after?: string | undefined; limit: number; isWanted?: (name: string) => boolean };

/** The names of functions after `after`. A name is examined when the page needs it: a registry can have 100,000 of them. */
function* namesOfPage(names: readonly string[], { after = '', isWanted = () => true }: Omit<FunctionPage, 'limit'>): Generator<string> {
  for (const name of names) if (name > after && isFunctionKey(name) && isWanted(name)) yield name;
}

function take<Value>(values: Iterator<Value>, count: number): Value[] {
  const taken: Value[] = [];
  while (taken.length < count) {
    const { value, done } = values.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

function isFunctionKey(key: string): boolean {
  return ![isProjectKey, isQuotaKey, isTestEventsKey, isScheduleKey, isLayersKey].some((isOther) => isOther(key));
}

function decodeReadable(entry: KeyValueEntry | undefined): FunctionEntry | undefined {
  try {
    return entry && decodeEntry(entry.value, entry.revision);
  } catch {
    return undefined;
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
