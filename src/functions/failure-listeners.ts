import type { NameOf } from '#src/core/errors.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { labelOf } from './loops.ts';

type Entry = Pick<FunctionEntry, 'definition' | 'versions' | 'aliases'>;

/** A function whose failures no destination and no follower of its results is told of. `from` names each policy that has no destination. */
export type UntoldFunction = { name: FunctionName; from: string[] };

/**
 * The functions of which some invocations may fail without anybody being told: a policy in use has no failure destination, and none of the
 * `filters`, which are those of the consumers of RESULTS, matches their failures. A version is in use while an alias names it.
 *
 * A plain subscription to the results and an alert leave no trace in NATS.
 */
export function untoldFunctions(entries: readonly Entry[], filters: readonly string[], nameOf?: NameOf): UntoldFunction[] {
  return entries.flatMap((entry) => {
    const name = entry.definition.name as FunctionName;
    const from = withoutFailureDestination(entry).map((qualifier) => labelOf({ name, qualifier }, nameOf));
    return from.length === 0 || filters.some((filter) => matches(filter, subjects.result(name, 'failed'))) ? [] : [{ name, from }];
  });
}

/** The qualifiers in use whose policy has no failure destination. */
function withoutFailureDestination({ definition, versions, aliases }: Entry): string[] {
  const ofAliases = new Set(
    aliases.flatMap(({ policy, version, weights }) => (policy === undefined ? [version, ...Object.keys(weights)] : [])),
  );
  const policies = [
    { qualifier: LATEST, policy: definition.policy },
    ...versions.filter(({ version }) => ofAliases.has(version)).map((one) => ({ qualifier: one.version, policy: one.definition.policy })),
    ...aliases.flatMap(({ name, policy }) => (policy === undefined ? [] : [{ qualifier: `!${name}`, policy }])),
  ];
  return policies.filter(({ policy }) => policy.onFailure.length === 0).map(({ qualifier }) => qualifier);
}

/** Whether a filter with wildcards of NATS matches a subject. */
function matches(filter: string, subject: string): boolean {
  const [wanted, given] = [filter.split('.'), subject.split('.')];
  const rest = wanted.indexOf('>');
  if (rest >= 0 ? given.length <= rest : given.length !== wanted.length) return false;
  return wanted.every((token, index) => token === '>' || token === '*' || token === given[index]);
}
