import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Scope } from '../scope.ts';
import type { FunctionSummary, FunctionView } from './schemas/functions.ts';

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
export function functionViewOf(found: FunctionEntry, scope: Scope): FunctionView {
  return {
    definition: { ...found.definition, name: scope.nameOf(found.definition.name) as FunctionName },
    revision: found.revision,
    ...versionsOf(found),
  };
}

function versionsOf({ versions, aliases }: FunctionEntry): Pick<FunctionView, 'versions' | 'aliases'> {
  return {
    versions: versions.map(({ version, description, publishedAt }) => ({ version, description, published_at: publishedAt })),
    aliases: aliases.map(({ name, version, description, weights }) => ({ alias: name, version, description, weights })),
  };
}
