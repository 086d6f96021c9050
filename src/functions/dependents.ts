import { LATEST, type Policy } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
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
