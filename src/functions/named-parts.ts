import { isDeepStrictEqual } from 'node:util';
import type { SecretSealer } from '#src/core/encryption/secret-sealer.ts';
import { InvalidInputError, VersionRefusedError } from '#src/core/errors.ts';
import { configuredDefinitionSchema, type FunctionDefinition, type Policy } from '#src/core/functions/definition.ts';
import { type AliasInput, type FunctionAlias, parseInput } from '#src/core/functions/entry.ts';
import { mergeDefinition } from '#src/core/functions/merge-definition.ts';
import { type Changed, definitionOf, withAlias, withoutAlias, withPolicy, withSecrets, withVersion } from './changes.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The parts of a function that a deployment names. What it does not name stays (FN2). */
export type NamedParts = {
  /** Fields of the definition of `latest`, as `mergeDefinition` reads them. */
  definition: object;
  /** Versions that must exist, each with the fields in which it differs from `latest`, and its description. */
  versions?: Readonly<Record<string, object>> | undefined;
  /** Fields of aliases. `policy: null` removes the own policy of an alias. */
  aliases?: Readonly<Record<string, object>> | undefined;
  /** Whether aliases that are not named are removed. */
  removesAliases?: boolean;
};

/** A version or a `!alias` whose policy is new, or that is new itself. */
export type ChangedPart = { qualifier: string; policy: Policy | undefined; definition?: FunctionDefinition };

type Options = { now: number; sealer: SecretSealer | undefined };

/**
 * Publishes the named versions that do not exist, from the present `latest` and their own fields. A version that exists must have the named
 * fields: only its policy is changed. Throws `InvalidInputError` and `VersionRefusedError`.
 */
export async function withNamedVersions(
  entry: Changed,
  versions: NonNullable<NamedParts['versions']>,
  { now, sealer }: Options,
): Promise<[Changed, ChangedPart[]]> {
  let next = entry;
  const changed: ChangedPart[] = [];
  for (const [version, { description, ...fields }] of Object.entries(versions) as [string, Fields][]) {
    const present = next.versions.find((one) => one.version === version);
    const before = present?.definition ?? next.definition;
    const merged = parseInput(configuredDefinitionSchema, mergeDefinition(before, fields), `the version ${version}`);
    const complete = withSecrets(merged, before);
    if (present !== undefined) {
      expectSame(version, [before, present.description], [complete, description ?? present.description]);
      if (isDeepStrictEqual(before.policy, complete.policy)) continue;
      next = withPolicy(next, version, () => complete.policy).next;
      changed.push({ qualifier: version, policy: complete.policy });
    } else {
      const definition = (await sealer?.seal(complete, before)) ?? complete;
      const [published] = withVersion({ ...next, definition }, { version, description: description as string | undefined }, now);
      next = { ...published, definition: next.definition };
      changed.push({ qualifier: version, policy: complete.policy, definition: complete });
    }
  }
  return [next, changed];
}

/** A published version never changes, but for its policy. */
function expectSame(version: string, [before, was]: [FunctionDefinition, string], [after, is]: [FunctionDefinition, unknown]): void {
  const fields = (Object.keys({ ...before, ...after }) as (keyof FunctionDefinition)[]).filter(
    (field) => field !== 'policy' && !isDeepStrictEqual(before[field], after[field]),
  );
  const named = [...fields, ...(was === is ? [] : ['the description of the version'])];
  if (named.length === 0) return;
  const problem = `is published, and a published version keeps its ${named.join(', ')}; name a new version for the change`;
  throw new InvalidInputError({ field: `the version ${version}`, problem });
}

/** Creates and changes the named aliases. Throws `InvalidInputError`, `FunctionNotFoundError` and `VersionRefusedError`. */
export function withNamedAliases(
  entry: Changed,
  { aliases = {}, removesAliases = false }: Pick<NamedParts, 'aliases' | 'removesAliases'>,
  now: number,
): [Changed, ChangedPart[]] {
  const others = removesAliases ? entry.aliases.filter(({ name }) => !Object.hasOwn(aliases, name)) : [];
  let next = others.reduce((kept, { name }) => withoutAlias(kept, name), entry);
  let waiting = Object.entries(aliases) as [string, Fields][];
  while (waiting.length > 0) {
    const moved = movedAliases(next, waiting, now);
    if (moved.left.length === waiting.length) throw moved.refused;
    [next, waiting] = [moved.next, moved.left];
  }
  const changed = next.aliases.filter(
    (alias) =>
      !isDeepStrictEqual(
        alias,
        entry.aliases.find(({ name }) => name === alias.name),
      ),
  );
  return [next, changed.map(({ name, policy }) => ({ qualifier: `!${name}`, policy }))];
}

/** A version has one alias, so an alias may have to move before another one takes its version: that one is left for the next round. */
function movedAliases(entry: Changed, aliases: readonly [string, Fields][], now: number) {
  let [next, refused]: [Changed, unknown] = [entry, undefined];
  const left = aliases.filter(([name, fields]) => {
    try {
      next = withNamedAlias(next, { name, fields, now });
      return false;
    } catch (error) {
      if (!(error instanceof VersionRefusedError) || error.reason !== 'version-aliased') throw error;
      refused = error;
      return true;
    }
  });
  return { next, left, refused };
}

type NamedAlias = { name: string; fields: Fields; now: number };

function withNamedAlias(entry: Changed, { name, fields, now }: NamedAlias): Changed {
  const present = entry.aliases.find((one) => one.name === name);
  const version = fields.version ?? present?.version;
  if (version === undefined) throw new InvalidInputError({ field: `the alias ${name}`, problem: 'is new, and names no version' });
  const { weights = present?.weights ?? {}, description = present?.description ?? '', auto } = fields;
  const kept = { name, version, weights, description, ...(auto === undefined ? {} : { auto }) } as AliasInput;
  const own = fields.policy === undefined || fields.policy === null ? undefined : mergedPolicy(entry, present, fields);
  const [next, changed] = withAlias(entry, { ...kept, ...(own === undefined ? {} : { policy: own }) }, now);
  const after = fields.policy === null ? withPolicy(next, `!${name}`, () => undefined).next : next;
  const stored = after.aliases.find((one) => one.name === name) ?? changed;
  // An unchanged alias keeps the time of its latest change.
  return present !== undefined && isDeepStrictEqual({ ...stored, changedAt: present.changedAt, weightedAt: present.weightedAt }, present)
    ? entry
    : after;
}

/** The own policy of an alias begins as that of its version. */
function mergedPolicy(entry: Changed, present: FunctionAlias | undefined, { policy, version }: Fields): AliasInput['policy'] {
  const main = (version as string | undefined) ?? present?.version ?? '';
  return mergeDefinition(present?.policy ?? definitionOf(entry, main).policy, policy as object) as AliasInput['policy'];
}
