import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { isProjectKey } from '#src/core/encryption/project-settings.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { decodeEntry, type FunctionEntry, resolveFunction } from '#src/core/functions/entry.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { DefinitionLimits } from '#src/core/quotas/definition-limits.ts';
import { isQuotaKey } from '#src/core/quotas/project-quota.ts';
import type { ProjectQuotas } from '#src/core/quotas/project-quotas.ts';
import { isScheduleKey } from '#src/core/schedules/schedule.ts';
import { isTestEventsKey } from './test-events.ts';

/** A local copy of the registry, which follows its changes. */
export interface FunctionDirectory {
  get(name: FunctionName): FunctionEntry | undefined;
  /** The function behind a version or a `!alias`, by the local copy. */
  find(name: FunctionName, qualifier: string): RegisteredFunction | undefined;
  /** Reads the store, because the local copy may be behind. Throws `FunctionNotFoundError`. */
  ask(name: string): Promise<FunctionEntry>;
  values(): Iterable<FunctionEntry>;
  /** Calls `listener` for every present function, and at every change. The function is `undefined` after its deletion. */
  subscribe(listener: (name: FunctionName, found: FunctionEntry | undefined) => void): void;
}

export type DirectoryOptions = {
  signal: AbortSignal;
  onProblem?: (problem: string) => void;
  /** Follows the settings and the data keys of projects, which are in the same store. */
  payloads?: Pick<PayloadSealer, 'applyChange'> | undefined;
  /** Follows the quotas of projects, which are in the same store. */
  quotas?: Pick<ProjectQuotas, 'applyChange'> | undefined;
  /** Counts what each project defines. */
  definitions?: Pick<DefinitionLimits, 'applyChange'> | undefined;
};

/** Follows the registry until the signal aborts. Resolves once the present functions, and the settings of projects, are loaded. */
export async function openFunctionDirectory(
  store: KeyValue,
  { signal, onProblem = () => {}, payloads, quotas, definitions }: DirectoryOptions,
): Promise<FunctionDirectory> {
  const entries = new Map<FunctionName, FunctionEntry>();
  const listeners: Parameters<FunctionDirectory['subscribe']>[0][] = [];
  /** Takes over an entry that is no function. */
  function recordOther(key: string, value: string | undefined): boolean {
    if (isProjectKey(key)) payloads?.applyChange({ key, value });
    else if (isQuotaKey(key)) quotas?.applyChange({ key, value });
    else return isTestEventsKey(key) || isScheduleKey(key);
    return true;
  }

  await store.watch(({ key, value, revision }) => {
    definitions?.applyChange({ key, value });
    if (recordOther(key, value)) return;
    const name = key as FunctionName;
    if (entries.get(name)?.revision === revision) return;
    try {
      if (value === undefined) entries.delete(name);
      else entries.set(name, decodeEntry(value, revision));
    } catch (error) {
      // Another program wrote an invalid entry to the bucket. The last valid definition stays in force.
      onProblem(`function ${key} is not valid and is ignored: ${(error as Error).message}`);
      return;
    }
    for (const listener of listeners) listener(name, entries.get(name));
  }, signal);
  return {
    get: (name) => entries.get(name),
    find(name, qualifier) {
      const entry = entries.get(name);
      return entry === undefined ? undefined : resolveFunction(entry, qualifier, '');
    },
    async ask(name) {
      const entry = await store.get(parseFunctionName(name));
      if (entry === undefined) throw new FunctionNotFoundError({ name });
      return decodeEntry(entry.value, entry.revision);
    },
    values: () => entries.values(),
    subscribe(listener) {
      listeners.push(listener);
      for (const [name, found] of entries) listener(name, found);
    },
  };
}
