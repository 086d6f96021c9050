import {
  type CanaryDecision,
  DEFAULT_MARGIN,
  type FunctionAlias,
  type FunctionEntry,
  type FunctionVersion,
} from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Call, Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { type FunctionSummary, type FunctionView, functionSchema } from './function-schemas.ts';

/** The answers of a route that replies by {@link replyWithFunction}. */
export const functionAnswers = { 200: { description: 'the function; ETag is its revision', schema: functionSchema } };

export function replyWithFunction(call: Call, gateway: Gateway, found: FunctionEntry): Response {
  return call.json(functionViewOf(found, scopeOf(call, gateway)), 200, { ETag: `"${found.revision}"` });
}

/** A function in the list of functions. */
export function functionSummaryOf(found: FunctionEntry, scope: Scope): FunctionSummary {
  const { name, description, handler, paused, policy } = found.definition;
  return {
    name: scope.nameOf(name),
    description,
    handler_kind: handler.kind,
    paused,
    revision: found.revision,
    policy,
    ...versionsOf(found),
  };
}

/** A single function, with its whole definition. */
function functionViewOf(found: FunctionEntry, scope: Scope): FunctionView {
  return {
    definition: { ...found.definition, name: scope.nameOf(found.definition.name) as FunctionName },
    revision: found.revision,
    versions: found.versions.map((one) => ({ ...versionOf(one), policy: one.definition.policy })),
    aliases: found.aliases.map((one) => ({ ...aliasOf(one), ...(one.policy === undefined ? {} : { policy: one.policy }) })),
  };
}

function versionsOf({ versions, aliases }: FunctionEntry): Pick<FunctionSummary, 'versions' | 'aliases'> {
  return { versions: versions.map(versionOf), aliases: aliases.map(aliasOf) };
}

function versionOf({ version, description, publishedAt }: FunctionVersion): FunctionSummary['versions'][number] {
  return { version, description, published_at: publishedAt };
}

function aliasOf({ name, version, description, weights, auto, decision }: FunctionAlias): FunctionSummary['aliases'][number] {
  return {
    ...{ alias: name, version, description, weights },
    ...(auto === undefined || auto === null ? {} : { auto: { promote_after: auto.promoteAfter, margin: auto.margin ?? DEFAULT_MARGIN } }),
    ...(decision === undefined ? {} : { decision: decisionOf(decision) }),
  };
}

function decisionOf({ at, decision, canary, main, why }: CanaryDecision) {
  return { at, decision, canary, main, why };
}
