import type { FunctionDefinition } from '#src/core/function-definition.ts';
import { parseFunctionUrn } from '#src/core/urn.ts';

/**
 * Finds the loop that a definition closes over all functions (L1), as a path such as `test1 → test2 → test1`.
 *
 * Versions and aliases of a function count as the function: whichever runs, its destinations are those of its definition.
 */
export function findLoop(changed: FunctionDefinition, others: Iterable<FunctionDefinition>): string[] | undefined {
  const edges = new Map<string, string[]>();
  for (const definition of others) edges.set(definition.name, targetsOf(definition));
  edges.set(changed.name, targetsOf(changed));
  const seen = new Set<string>();

  function pathBack(from: string): string[] | undefined {
    for (const next of edges.get(from) ?? []) {
      if (next === changed.name) return [from, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const rest = pathBack(next);
      if (rest !== undefined) return [from, ...rest];
    }
    return undefined;
  }
  return pathBack(changed.name);
}

/** The functions that a definition's destinations invoke. */
function targetsOf({ policy }: FunctionDefinition): string[] {
  return [...policy.onSuccess, ...policy.onFailure].flatMap(({ destination, param }) =>
    destination === 'FunctionGraph' ? [targetOf(param)] : [],
  );
}

function targetOf(param: string): string {
  try {
    return parseFunctionUrn(String((JSON.parse(param) as { func_urn?: unknown }).func_urn)).name;
  } catch {
    // Refused elsewhere, with the reason.
    return '';
  }
}
