import { z } from 'zod';
import { ConflictError, FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import { type FunctionDefinition, functionDefinitionSchema, type RegisteredFunction } from '#src/core/function-definition.ts';
import type { KeyValue } from '#src/core/key-value.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names.ts';
import { findLoop } from './loops.ts';

/** Which functions there are, and how each is configured. */
export interface FunctionRegistry {
  /**
   * Stores a definition; returns it with its revision.
   *
   * Throws `InvalidInputError`, naming the field, when it is not valid, when a destination cannot be used (S5), or when its
   * destinations close a loop (L1); and `ConflictError` when `expected` is not its revision any more.
   */
  put(definition: unknown, expected?: number): Promise<RegisteredFunction>;
  /** Throws `FunctionNotFoundError`. */
  get(name: string): Promise<RegisteredFunction>;
  list(): Promise<RegisteredFunction[]>;
  /** Throws `FunctionNotFoundError`. What is queued for the function then fails with the condition `FunctionNotFound`. */
  delete(name: string): Promise<void>;
}

/** The registry as a role sees it: a local copy that follows the changes. */
export interface FunctionDirectory {
  get(name: FunctionName): RegisteredFunction | undefined;
  values(): Iterable<RegisteredFunction>;
  /** Calls back for every function that is there, and at every change of one; without a function when it is gone. */
  subscribe(listener: (name: FunctionName, found: RegisteredFunction | undefined) => void): void;
}

export type RegistryOptions = {
  /** Why a destination cannot be used, as far as can be told here: a missing connection, a lacking permission. */
  refuseDestination?: (destination: { destination: string; param: string }) => Promise<string | undefined>;
};

export function createFunctionRegistry(store: KeyValue, { refuseDestination }: RegistryOptions = {}): FunctionRegistry {
  async function find(name: FunctionName): Promise<RegisteredFunction | undefined> {
    const entry = await store.get(name);
    return entry === undefined ? undefined : decode(entry.value, entry.revision);
  }
  async function get(name: string): Promise<RegisteredFunction> {
    const found = await find(parseFunctionName(name));
    if (found === undefined) throw new FunctionNotFoundError({ name });
    return found;
  }
  async function list(): Promise<RegisteredFunction[]> {
    // An entry that somebody wrote by hand and that cannot be read is nobody's function; `sequent doctor` names it.
    const found = await Promise.all((await store.keys()).map((key) => find(key as FunctionName).catch(() => undefined)));
    return found.filter((entry) => entry !== undefined);
  }
  async function check(definition: FunctionDefinition): Promise<void> {
    const { onSuccess, onFailure, allowCycle } = definition.policy;
    for (const [list, destinations] of Object.entries({ onSuccess, onFailure })) {
      for (const [place, destination] of destinations.entries()) {
        const problem = await refuseDestination?.(destination);
        if (problem !== undefined)
          throw new InvalidInputError({ field: `policy.${list}[${place}]`, problem: `cannot be used: ${problem}` });
      }
    }
    const chains = [...onSuccess, ...onFailure].some(({ destination }) => destination === 'FunctionGraph');
    if (!chains || allowCycle) return;
    const loop = findLoop(
      definition,
      (await list()).map((other) => other.definition),
    );
    if (loop === undefined) return;
    const problem = `close a loop: ${loop.join(' → ')}; break it, or set policy.allowCycle (it is then cut when running)`;
    throw new InvalidInputError({ field: 'the destinations', problem });
  }
  return {
    get,
    list,
    async put(input, expected) {
      const definition = parseDefinition(input);
      const value = JSON.stringify(definition);
      const name = parseFunctionName(definition.name);
      const present = await find(name);
      // Whoever pauses a function, or changes anything but its destinations, does not answer for them.
      if (present === undefined || destinationsIn(present.definition) !== destinationsIn(definition)) await check(definition);
      // The same definition keeps its revision, so that deploying again does not restart warm processes.
      if (present !== undefined && expected === undefined && JSON.stringify(present.definition) === value) return present;
      if (expected !== undefined && (present?.revision ?? 0) !== expected) throw new ConflictError({ what: `function "${name}"` });
      const revision = expected === undefined ? await store.put(name, value) : await store.put(name, value, expected);
      return { definition, revision };
    },
    async delete(name) {
      await get(name);
      await store.delete(name);
    },
  };
}

/** Follows the registry until the signal aborts. Resolves when the present functions are known. */
export async function openFunctionDirectory(
  store: KeyValue,
  { signal, onProblem = () => {} }: { signal: AbortSignal; onProblem?: (problem: string) => void },
): Promise<FunctionDirectory> {
  const known = new Map<FunctionName, RegisteredFunction>();
  const listeners: Parameters<FunctionDirectory['subscribe']>[0][] = [];
  await store.watch(({ key, value, revision }) => {
    const name = key as FunctionName;
    if (known.get(name)?.revision === revision) return;
    try {
      if (value === undefined) known.delete(name);
      else known.set(name, decode(value, revision));
    } catch (error) {
      // Somebody wrote to the bucket by hand. The last good definition stays in force.
      onProblem(`function ${key} is not valid and is ignored: ${(error as Error).message}`);
      return;
    }
    for (const listener of listeners) listener(name, known.get(name));
  }, signal);
  return {
    get: (name) => known.get(name),
    values: () => known.values(),
    subscribe(listener) {
      listeners.push(listener);
      for (const [name, found] of known) listener(name, found);
    },
  };
}

/** Throws `InvalidInputError` that names the field. */
export function parseDefinition(input: unknown): FunctionDefinition {
  const parsed = functionDefinitionSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    { field: 'the function definition', problem: `is not valid:\n${z.prettifyError(parsed.error)}` },
    { cause: parsed.error },
  );
}

function destinationsIn({ policy: { onSuccess, onFailure, allowCycle } }: FunctionDefinition): string {
  return JSON.stringify([onSuccess, onFailure, allowCycle]);
}

function decode(value: string, revision: number): RegisteredFunction {
  return { definition: parseDefinition(JSON.parse(value)), revision };
}
