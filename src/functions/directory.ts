import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { isProjectKey } from '#src/core/encryption/project-settings.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { decodeEntry, type FunctionEntry, resolveFunction } from '#src/core/functions/entry.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names/names.ts';
import type { KeyValue, KeyValueChange } from '#src/core/ports/stores/key-value.ts';
import type { DefinitionLimits } from '#src/core/quotas/definition-limits.ts';
import { isQuotaKey } from '#src/core/quotas/project-quota.ts';
import type { ProjectQuotas } from '#src/core/quotas/project-quotas.ts';
import { isScheduleKey } from '#src/core/schedules/schedule.ts';
import type { StoredSchedules } from '#src/core/schedules/stored-schedules.ts';
import { isLayersKey } from './layers.ts';
import { isTestEventsKey } from './test-events.ts';

/**
 * A local copy of the registry, which follows its changes.
 *
 * The entries are kept as the texts that they are stored as, and each is parsed at its first use: a process with 100,000 functions works for
 * few of them (docs/scale.md).
 */
export interface FunctionDirectory {
  get(name: FunctionName): FunctionEntry | undefined;
  /** The function behind a version or a `!alias`, by the local copy. */
  find(name: FunctionName, qualifier: string): RegisteredFunction | undefined;
  /** Reads the store, because the local copy may be behind. Throws `FunctionNotFoundError`. */
  ask(name: string): Promise<FunctionEntry>;
  names(): Iterable<FunctionName>;
  /** The functions whose stored texts contain a text, and perhaps others. No entry is kept that was not used before. */
  containing(text: string): FunctionEntry[];
  /**
   * Calls `listener` for every present function, and at every change. The function is `undefined` after its deletion. With `containing`, a present
   * function whose stored text does not contain it may be left out.
   */
  subscribe(listener: Listener, containing?: string): void;
  /** Calls `listener` at every change. */
  onChange(listener: Listener): void;
}

type Listener = (name: FunctionName, found: FunctionEntry | undefined) => void;
/** An entry that was not used so far. */
type Unread = { value: string; revision: number };

export type DirectoryOptions = {
  signal: AbortSignal;
  onProblem?: (problem: string) => void;
  /** Follows the settings and the data keys of projects, which are in the same store. */
  payloads?: Pick<PayloadSealer, 'applyChange'> | undefined;
  /** Follows the quotas of projects, which are in the same store. */
  quotas?: Pick<ProjectQuotas, 'applyChange'> | undefined;
  /** Counts what each project defines. */
  definitions?: Pick<DefinitionLimits, 'applyChange'> | undefined;
  /** Follows the schedules, which are in the same store. */
  schedules?: Pick<StoredSchedules, 'applyChange'> | undefined;
};

/** Follows the registry until the signal aborts. Resolves once the present functions, and the settings of projects, are loaded. */
export async function openFunctionDirectory(store: KeyValue, options: DirectoryOptions): Promise<FunctionDirectory> {
  const { signal, onProblem = () => {}, definitions } = options;
  const entries = new Entries((name, error) => onProblem(`function ${name} is not valid and is ignored: ${(error as Error).message}`));
  const listeners: Listener[] = [];
  await store.watch((change) => {
    definitions?.applyChange(change);
    if (recordOther(change, options)) return;
    const name = change.key as FunctionName;
    if (entries.apply(name, change)) for (const listener of listeners) listener(name, entries.read(name));
  }, signal);
  entries.isLoaded = true;

  return {
    get: (name) => entries.get(name),
    names: () => entries.names(),
    containing: (text) => [...entries.containing(text)].map(([, entry]) => entry),
    onChange: (listener) => void listeners.push(listener),
    find(name, qualifier) {
      const entry = entries.get(name);
      return entry === undefined ? undefined : resolveFunction(entry, qualifier, '');
    },
    async ask(name) {
      const entry = await store.get(parseFunctionName(name));
      if (entry === undefined) throw new FunctionNotFoundError({ name });
      return decodeEntry(entry.value, entry.revision);
    },
    subscribe(listener, containing = '') {
      listeners.push(listener);
      for (const [name, entry] of entries.containing(containing)) listener(name, entry);
    },
  };
}

/** Takes over an entry that is no function. */
function recordOther(change: KeyValueChange, { payloads, quotas, schedules }: DirectoryOptions): boolean {
  const { key } = change;
  if (isProjectKey(key)) payloads?.applyChange(change);
  else if (isQuotaKey(key)) quotas?.applyChange(change);
  else if (isScheduleKey(key)) schedules?.applyChange(change);
  else return isTestEventsKey(key) || isLayersKey(key);
  return true;
}

/** The entries of functions: as texts, and parsed those that were used. */
class Entries {
  /** The entries of the start are not checked before their first use. */
  isLoaded = false;
  readonly #entries = new Map<FunctionName, FunctionEntry | Unread>();
  readonly #onProblem: (name: FunctionName, error: unknown) => void;

  constructor(onProblem: (name: FunctionName, error: unknown) => void) {
    this.#onProblem = onProblem;
  }

  /** Returns whether anything changed. An invalid entry, which another program wrote, replaces no valid one. */
  apply(name: FunctionName, { value, revision }: KeyValueChange): boolean {
    const held = this.#entries.get(name);
    if (held?.revision === revision) return false;
    if (value === undefined) {
      this.#entries.delete(name);
      return true;
    }
    const unread = { value, revision };
    const found = this.isLoaded ? this.#parse(name, unread) : undefined;
    if (this.isLoaded && found === undefined) return false;
    this.#entries.set(name, found !== undefined && isUsed(held) ? found : unread);
    return true;
  }

  names(): Iterable<FunctionName> {
    return this.#entries.keys();
  }

  get(name: FunctionName): FunctionEntry | undefined {
    const entry = this.read(name);
    if (entry !== undefined) this.#entries.set(name, entry);
    return entry;
  }

  /** As `get`. Keeps no parsed entry, so that to read all of them takes no memory. */
  read(name: FunctionName): FunctionEntry | undefined {
    const held = this.#entries.get(name);
    if (held === undefined || isUsed(held)) return held;
    const entry = this.#parse(name, held);
    if (entry === undefined) this.#entries.delete(name);
    return entry;
  }

  *containing(text: string): Iterable<[FunctionName, FunctionEntry]> {
    for (const [name, held] of this.#entries) {
      if (!isUsed(held) && !held.value.includes(text)) continue;
      const entry = this.read(name);
      if (entry !== undefined) yield [name, entry];
    }
  }

  #parse(name: FunctionName, { value, revision }: Unread): FunctionEntry | undefined {
    try {
      return decodeEntry(value, revision);
    } catch (error) {
      this.#onProblem(name, error);
      return undefined;
    }
  }
}

function isUsed(held: FunctionEntry | Unread | undefined): held is FunctionEntry {
  return held !== undefined && !('value' in held);
}
