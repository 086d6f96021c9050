import { FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import type { AliasInput, CanaryDecision, FunctionAlias, FunctionEntry } from './entry.ts';

/** The alias of a function. Throws `FunctionNotFoundError`. */
export function aliasOf({ definition, aliases }: FunctionEntry, name: string): FunctionAlias {
  const found = aliases.find((one) => one.name === name);
  if (found === undefined) throw new FunctionNotFoundError({ name: definition.name, qualifier: `!${name}` });
  return found;
}

/** The alias with one version only. Its policy stays, because the registry keeps the policy that a change leaves out. */
function onlyTo({ name, description }: FunctionAlias, version: string): AliasInput {
  return { name, version, weights: {}, description };
}

/** An alias that sends all requests to its canary: to `wanted`, or else to its only weighted version. Throws `InvalidInputError`. */
export function promoted(alias: FunctionAlias, wanted?: string): AliasInput {
  const canaries = Object.keys(alias.weights);
  const [only] = canaries;
  if (wanted !== undefined && !canaries.includes(wanted)) throw refusal(alias, `sends no requests to ${wanted}`);
  if (only === undefined) throw refusal(alias, 'has no canary: no other version has a weight');
  if (wanted === undefined && canaries.length > 1) throw refusal(alias, `has several canaries; name one of ${canaries.join(', ')}`);
  return onlyTo(alias, wanted ?? only);
}

/** An alias that sends all requests to its main version, or to `wanted`. Throws `InvalidInputError`. */
export function rolledBack(alias: FunctionAlias, wanted?: string): AliasInput {
  if (wanted === undefined && Object.keys(alias.weights).length === 0) throw refusal(alias, 'has no canary; name the version to return to');
  return onlyTo(alias, wanted ?? alias.version);
}

export type NewCanary = { version: string; weight: number; auto?: AliasInput['auto'] };

/** An alias that keeps its main version and its other weights, and gives a version this share of its requests. Throws `InvalidInputError`. */
export function withCanary(alias: FunctionAlias, { version, weight, auto = null }: NewCanary): AliasInput {
  if (version === alias.version) throw refusal(alias, `has ${version} as its main version already; name the new version`);
  return { ...onlyTo(alias, alias.version), weights: { ...alias.weights, [version]: weight }, auto };
}

/** Whether a decision that was made of `since` still applies: nobody moved the alias, changed its weights or ended the automatic canary. */
export function isDecidable(alias: FunctionAlias | undefined, { since, canary, main }: Omit<CanaryDecision, 'at'>): alias is FunctionAlias {
  if (alias === undefined || alias.auto === undefined || alias.auto === null) return false;
  return alias.weightedAt === since && alias.version === main && Object.hasOwn(alias.weights, canary);
}

function refusal({ name }: FunctionAlias, problem: string): InvalidInputError {
  return new InvalidInputError({ field: `the alias !${name}`, problem });
}
