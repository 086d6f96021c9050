import type { NameOf } from '#src/core/errors.ts';
import { LATEST, type Policy } from '#src/core/functions/definition.ts';
import { type FunctionEntry, versionsOfAlias } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { type FunctionReference, parseFunctionUrn } from '#src/core/names/urn.ts';

type Entry = Pick<FunctionEntry, 'definition' | 'versions' | 'aliases'>;
type Address = { name: FunctionName; qualifier: string };

/**
 * Finds a loop that a changed version or `!alias` closes (L1, SRC6). The path starts and ends with the same address.
 *
 * 1. The nodes are the addresses that destinations name: a function, a version or an alias.
 * 2. An alias with its own policy leads to that policy's functions. Any other alias leads to the functions of all its versions.
 * 3. A policy with `allowCycle` has no edges, because its loops are cut at run time.
 */
export function findLoop(changed: { entry: Entry; qualifier: string }, others: Iterable<Entry>): Address[] | undefined {
  const functions = new Map<string, Entry>();
  for (const entry of others) functions.set(entry.definition.name, entry);
  const { entry, qualifier } = changed;
  const name = entry.definition.name as FunctionName;
  functions.set(name, entry);
  for (const affected of [qualifier, ...aliasesOf(entry, qualifier)]) {
    const loop = pathBack({ name, qualifier: affected }, functions);
    if (loop !== undefined) return loop;
  }
  return undefined;
}

/** The functions that an address of a function invokes. */
export function targetsOf({ definition, versions, aliases }: Entry, qualifier: string): Address[] {
  const ofVersion = (version: string): Policy | undefined =>
    version === LATEST ? definition.policy : versions.find((one) => one.version === version)?.definition.policy;
  const alias = qualifier.startsWith('!') ? aliases.find(({ name }) => name === qualifier.slice(1)) : undefined;
  const policies = alias === undefined ? [ofVersion(qualifier)] : alias.policy ? [alias.policy] : versionsOfAlias(alias).map(ofVersion);
  return policies.flatMap((policy) =>
    policy === undefined || policy.allowCycle ? [] : invokedBy([...policy.onSuccess, ...policy.onFailure], definition.name as FunctionName),
  );
}

/** The aliases without an own policy that refer to a version. */
function aliasesOf({ aliases }: Entry, version: string): string[] {
  return aliases.filter((alias) => alias.policy === undefined && versionsOfAlias(alias).includes(version)).map(({ name }) => `!${name}`);
}

/** The shortest path from an address back to the same address (breadth-first search). */
function pathBack(start: Address, functions: ReadonlyMap<string, Entry>): Address[] | undefined {
  const goal = keyOf(start);
  const predecessors = new Map<string, Address>();
  const queue: Address[] = [start];
  for (let current = queue.shift(); current !== undefined; current = queue.shift()) {
    const entry = functions.get(current.name);
    for (const next of entry === undefined ? [] : targetsOf(entry, current.qualifier)) {
      const key = keyOf(next);
      if (key === goal) return [...pathTo(current, predecessors), start];
      if (predecessors.has(key)) continue;
      predecessors.set(key, current);
      queue.push(next);
    }
  }
  return undefined;
}

/** The path to an address from the start of the search, which has no predecessor. */
function pathTo(last: Address, predecessors: ReadonlyMap<string, Address>): Address[] {
  const path: Address[] = [];
  for (let current: Address | undefined = last; current !== undefined; current = predecessors.get(keyOf(current))) path.unshift(current);
  return path;
}

/** Always with a qualifier, because the label of a function of a package may be that of a version. */
function keyOf({ name, qualifier }: Address): string {
  return `${name}:${qualifier}`;
}

/** An address as text, such as `test1` or `test2:!prod`. `nameOf` returns the name that the reader knows for the function. */
export function labelOf({ name, qualifier }: Address, nameOf: NameOf = (known) => known): string {
  return qualifier === LATEST ? nameOf(name) : `${nameOf(name)}:${qualifier}`;
}

/** The functions that destinations invoke. */
export function invokedBy(destinations: Policy['onSuccess'], from: FunctionName): FunctionReference[] {
  return destinations.flatMap(({ destination, param }) => {
    const target = destination === 'FunctionGraph' ? readTarget(param, from) : undefined;
    // Another check refuses an unreadable param, with the reason.
    return target === undefined || target instanceof Error ? [] : [target];
  });
}

/** The function that the `param` of a destination names, relative to `from`; an error with the reason when it names none. */
export function readTarget(param: string, from: FunctionName): FunctionReference | Error {
  try {
    return parseFunctionUrn(String((JSON.parse(param) as { func_urn?: unknown }).func_urn), from);
  } catch (error) {
    return error as Error;
  }
}
