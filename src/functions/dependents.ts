import type { NameOf } from '#src/core/errors.ts';
import { LATEST, type Policy } from '#src/core/functions/definition.ts';
import { type FunctionEntry, resolveFunction } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { matchesSubject, subjects } from '#src/core/names/subjects.ts';
import { invokedBy, labelOf } from './loops.ts';

type Entry = Pick<FunctionEntry, 'definition' | 'versions' | 'aliases'>;
type Outcome = 'success' | 'failure';

/** What is removed: one version or `!alias`, or a function with all of them when there is no qualifier. */
export type Removal = { name: string; qualifier: string | undefined };

/** A destination that names something that is removed. `from` and `to` are labels, such as `orders` or `orders:!prod`. */
type DependentDestination = { from: string; on: Outcome; to: string };

/** The destinations of all functions that lose their function, without the destinations that are removed too. */
export function dependentDestinations(entries: readonly Entry[], removals: readonly Removal[]): DependentDestination[] {
  return entries.flatMap((entry) => {
    const name = entry.definition.name as FunctionName;
    return policiesOf(entry)
      .filter(({ qualifier }) => !isRemoved({ name, qualifier }, removals))
      .flatMap(({ qualifier, on, destinations }) =>
        invokedBy(destinations, name)
          .filter((target) => isRemoved(target, removals))
          .map((target) => ({ from: labelOf({ name, qualifier }), on, to: labelOf(target) })),
      );
  });
}

/** A destination whose function, version or alias does not exist; `name` and `qualifier` are those of its owner. */
export type MissingTarget = DependentDestination & { name: FunctionName; qualifier: string };

/**
 * The destinations of the given functions, versions and aliases whose deliveries end dead, because nothing can be invoked. Each one once.
 * `nameOf` returns the name that the reader knows for a function, and `find` any function; by default one of those given.
 */
export function missingTargets(
  entries: Iterable<FunctionEntry>,
  nameOf?: NameOf,
  find?: (name: FunctionName) => FunctionEntry | undefined,
): MissingTarget[] {
  const byName = new Map<string, FunctionEntry>([...entries].map((entry) => [entry.definition.name, entry]));
  const exists = ({ name, qualifier }: { name: string; qualifier: string }): boolean => {
    const found = find === undefined ? byName.get(name) : find(name as FunctionName);
    return found !== undefined && resolveFunction(found, qualifier, '') !== undefined;
  };
  const found = [...byName.values()].flatMap((entry) => {
    const name = entry.definition.name as FunctionName;
    return policiesOf(entry).flatMap(({ qualifier, on, destinations }) => {
      const from = labelOf({ name, qualifier }, nameOf);
      const missing = invokedBy(destinations, name).filter((target) => !exists(target));
      return missing.map((target): MissingTarget => ({ name, qualifier, from, on, to: labelOf(target, nameOf) }));
    });
  });
  return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
}

/** The warning about a destination, for logs and programs. The command line has its own words. */
export function missingTargetInWords({ from, on, to }: MissingTarget): string {
  return `${from} notifies ${to} on ${on}, and ${to} does not exist: until somebody defines ${to}, each of these deliveries ends dead`;
}

/** A function of which failures reach nobody. `from` names its policies in use without a failure destination. */
export type UntoldFunction = { name: FunctionName; from: string[] };

/**
 * The functions that have a policy in use without a failure destination, and whose failures match none of the filters of the consumers of
 * RESULTS. A version is in use while an alias without an own policy names it.
 *
 * A plain subscription to the results and an alert leave no trace in NATS.
 */
export function untoldFunctions(entries: readonly Entry[], filters: readonly string[], nameOf?: NameOf): UntoldFunction[] {
  const patterns = filters.map((filter) => filter.split('.'));
  return entries.flatMap((entry) => {
    const name = entry.definition.name as FunctionName;
    const ofAliases = new Set(
      entry.aliases.flatMap(({ policy, version, weights }) => (policy === undefined ? [version, ...Object.keys(weights)] : [])),
    );
    const isInUse = (qualifier: string): boolean => qualifier === LATEST || qualifier.startsWith('!') || ofAliases.has(qualifier);
    const from = policiesOf(entry)
      .filter(({ qualifier, on, destinations }) => on === 'failure' && destinations.length === 0 && isInUse(qualifier))
      .map(({ qualifier }) => labelOf({ name, qualifier }, nameOf));
    const failure = subjects.result(name, 'failed').split('.');
    return from.length === 0 || patterns.some((pattern) => matchesSubject(pattern, failure)) ? [] : [{ name, from }];
  });
}

/** Whether an address is removed, alone or with its function. */
export function isRemoved({ name, qualifier }: { name: string; qualifier: string }, removals: readonly Removal[]): boolean {
  return removals.some((removal) => removal.name === name && (removal.qualifier ?? qualifier) === qualifier);
}

type Destinations = { qualifier: string; on: Outcome; destinations: Policy['onSuccess'] };

/** The destinations of the function, of its versions, and of the aliases with a policy of their own. */
function policiesOf({ definition, versions, aliases }: Entry): Destinations[] {
  const both = (qualifier: string, { onSuccess, onFailure }: Policy): Destinations[] => [
    { qualifier, on: 'success', destinations: onSuccess },
    { qualifier, on: 'failure', destinations: onFailure },
  ];
  return [
    ...both(LATEST, definition.policy),
    ...versions.flatMap((one) => both(one.version, one.definition.policy)),
    ...aliases.flatMap(({ name, policy }) => (policy === undefined ? [] : both(`!${name}`, policy))),
  ];
}
