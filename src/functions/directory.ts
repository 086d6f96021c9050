import { FunctionNotFoundError } from '#src/core/errors.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { decodeEntry, type FunctionEntry, resolveFunction } from '#src/core/functions/entry.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';

/** The registry as a role sees it: a local copy that follows the changes. */
export interface FunctionDirectory {
  get(name: FunctionName): FunctionEntry | undefined;
  /** What a version or a `!alias` runs, as far as is known here. */
  find(name: FunctionName, qualifier: string): RegisteredFunction | undefined;
  /** Asks the store itself: the local copy may be behind. Throws `FunctionNotFoundError`. */
  ask(name: string): Promise<FunctionEntry>;
  values(): Iterable<FunctionEntry>;
  /** Calls back for every function that is there, and at every change of one; without a function when it is gone. */
  subscribe(listener: (name: FunctionName, found: FunctionEntry | undefined) => void): void;
}

/** Follows the registry until the signal aborts. Resolves when the present functions are known. */
export async function openFunctionDirectory(
  store: KeyValue,
  { signal, onProblem = () => {} }: { signal: AbortSignal; onProblem?: (problem: string) => void },
): Promise<FunctionDirectory> {
  const known = new Map<FunctionName, FunctionEntry>();
  const listeners: Parameters<FunctionDirectory['subscribe']>[0][] = [];
  await store.watch(({ key, value, revision }) => {
    const name = key as FunctionName;
    if (known.get(name)?.revision === revision) return;
    try {
      if (value === undefined) known.delete(name);
      else known.set(name, decodeEntry(value, revision));
    } catch (error) {
      // Somebody wrote to the bucket by hand. The last good definition stays in force.
      onProblem(`function ${key} is not valid and is ignored: ${(error as Error).message}`);
      return;
    }
    for (const listener of listeners) listener(name, known.get(name));
  }, signal);
  return {
    get: (name) => known.get(name),
    find(name, qualifier) {
      const entry = known.get(name);
      return entry === undefined ? undefined : resolveFunction(entry, qualifier, '');
    },
    async ask(name) {
      const entry = await store.get(parseFunctionName(name));
      if (entry === undefined) throw new FunctionNotFoundError({ name });
      return decodeEntry(entry.value, entry.revision);
    },
    values: () => known.values(),
    subscribe(listener) {
      listeners.push(listener);
      for (const [name, found] of known) listener(name, found);
    },
  };
}
