import { isDeepStrictEqual } from 'node:util';
import { whatIf } from '#src/analysis/what-if/what-if.ts';
import { nameEnding } from '#src/analysis/what-if/what-if-sum.ts';
import type { Policy } from '#src/core/functions/definition.ts';
import { foldGolden, type GoldenHistory } from './golden-history.ts';

/** A difference that a check found: of the installed version, or of the present policy of the function. */
export type GoldenDifference = { invocation: string; of: 'version' | 'policy'; what: string };

/**
 * Folds a golden history with the installed version, and under the present policies by function.
 *
 * A function without a policy in the list is not folded under another one. An invocation whose end under the policy is not recorded counts
 * as undecided, and not as a difference.
 */
export function checkGolden(
  golden: GoldenHistory,
  policies: ReadonlyMap<string, Policy>,
): { differences: GoldenDifference[]; undecided: number } {
  const { states, histories, unreadable } = foldGolden(golden);
  const differences: GoldenDifference[] = unreadable.map((sequence) => ({
    invocation: Object.keys(golden.states)[0] ?? '',
    of: 'version',
    what: `the append ${sequence} cannot be read`,
  }));
  for (const [invocation, recorded] of Object.entries(golden.states)) {
    for (const what of changesOf(recorded, states[invocation])) differences.push({ invocation, of: 'version', what });
  }
  let undecided = 0;
  for (const history of histories) {
    const policy = policies.get(history.function);
    if (policy === undefined) continue;
    const { maxRetries, maxAgeInSeconds, backoff } = policy;
    const supposition = whatIf(history, { maxRetries, maxAgeInMs: maxAgeInSeconds * 1_000, backoff });
    if (supposition.kind === 'undecided') undecided++;
    if (supposition.kind !== 'different') continue;
    const { recorded, supposed } = supposition;
    const was = recorded === undefined ? 'is open' : `${nameEnding(recorded)} after ${recorded.attempts} attempts`;
    const what = `${was}, and would have ${nameEnding(supposed)} after ${supposed.attempts}`;
    differences.push({ invocation: history.requestId, of: 'policy', what });
  }
  return { differences, undecided };
}

/** Compares only what the file recorded, because a later version may add fields to the state. */
function changesOf(recorded: Record<string, unknown>, found: object | undefined): string[] {
  if (found === undefined) return ['its request is read as no invocation'];
  const present = found as Record<string, unknown>;
  return Object.entries(recorded)
    .filter(([field, value]) => !isDeepStrictEqual(present[field], value))
    .map(([field, value]) => `${field} was ${JSON.stringify(value)}, and is ${JSON.stringify(present[field])}`);
}
