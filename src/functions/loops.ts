import { LATEST, type Policy } from '#src/core/functions/definition.ts';
import { type FunctionEntry, versionsOfAlias } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { type FunctionReference, parseFunctionUrn } from '#src/core/names/urn.ts';

type Entry = Pick<FunctionEntry, 'definition' | 'versions' | 'aliases'>;
type Address = { name: FunctionName; qualifier: string };

/**
 * Finds a loop that a changed version or `!alias` of a function closes (L1, SRC6), as a path such as `test1 → test2:!prod → test1`.
 *
 * The graph is over what destinations name: a function, a version of it, an alias. An alias leads to where its own policy tells,
 * or else to where every version tells that it can stand for. A policy that allows loops leads nowhere here: it is cut when running.
 */
export function findLoop(changed: { entry: Entry; qualifier: string }, others: Iterable<Entry>): string[] | undefined {
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

/** What the policies of a function name as its next, at an address of it. */
export function targetsOf({ definition, versions, aliases }: Entry, qualifier: string): Address[] {
  const ofVersion = (version: string): Policy | undefined =>
    version === LATEST ? definition.policy : versions.find((one) => one.version === version)?.definition.policy;
  const alias = qualifier.startsWith('!') ? aliases.find(({ name }) => name === qualifier.slice(1)) : undefined;
  const policies = alias === undefined ? [ofVersion(qualifier)] : alias.policy ? [alias.policy] : versionsOfAlias(alias).map(ofVersion);
  return policies.flatMap((policy) => (policy === undefined || policy.allowCycle ? [] : chainOf(policy, definition.name as FunctionName)));
}

/** The aliases whose way leads through a version. */
function aliasesOf({ aliases }: Entry, version: string): string[] {
  return aliases.filter((alias) => alias.policy === undefined && versionsOfAlias(alias).includes(version)).map(({ name }) => `!${name}`);
}

/** The shortest way from an address back to it. */
function pathBack(start: Address, functions: ReadonlyMap<string, Entry>): string[] | undefined {
  const goal = show(start);
  const cameFrom = new Map<string, string>();
  const waiting: Address[] = [start];
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
    const entry = functions.get(at.name);
    for (const next of entry === undefined ? [] : targetsOf(entry, at.qualifier)) {
      const key = show(next);
      if (key === goal) return pathTo(show(at), cameFrom, goal);
      if (cameFrom.has(key)) continue;
      cameFrom.set(key, show(at));
      waiting.push(next);
    }
  }
  return undefined;
}

function pathTo(last: string, cameFrom: ReadonlyMap<string, string>, goal: string): string[] {
  const path = [last, goal];
  for (let at = last; at !== goal; ) {
    at = cameFrom.get(at) ?? goal;
    path.unshift(at);
  }
  return path;
}

function show({ name, qualifier }: Address): string {
  return qualifier === LATEST ? name : `${name}:${qualifier}`;
}

/** The functions that a policy's destinations invoke. */
function chainOf({ onSuccess, onFailure }: Policy, from: FunctionName): FunctionReference[] {
  return [...onSuccess, ...onFailure].flatMap(({ destination, param }) => {
    const target = destination === 'FunctionGraph' ? readTarget(param, from) : undefined;
    // What cannot be read is refused elsewhere, with the reason.
    return target === undefined || target instanceof Error ? [] : [target];
  });
}

/** The function that the `param` of a destination names, seen from another one; an error that says why it names none. */
export function readTarget(param: string, from: FunctionName): FunctionReference | Error {
  try {
    return parseFunctionUrn(String((JSON.parse(param) as { func_urn?: unknown }).func_urn), from);
  } catch (error) {
    return error as Error;
  }
}
