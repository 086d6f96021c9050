import type { z } from 'zod';
import { FunctionNotFoundError, InvalidInputError, type NameOf, VersionRefusedError } from '#src/core/errors.ts';
import { isDecidable, promoted, rolledBack } from '#src/core/functions/canary.ts';
import {
  type FunctionDefinition,
  LATEST,
  MASK,
  NO_POLICY,
  type Policy,
  type PolicyInput,
  policySchema,
} from '#src/core/functions/definition.ts';
import {
  type AliasInput,
  aliasSchema,
  type CanaryDecision,
  DEFAULT_MARGIN,
  type FunctionAlias,
  type FunctionEntry,
  type FunctionVersion,
  parseInput,
  versionNameSchema,
  versionsOfAlias,
} from '#src/core/functions/entry.ts';

/** The changes of a function, its versions and its aliases. They are pure; the registry stores their results. */

/** FunctionGraph's limits: 20 versions with `latest`, 10 aliases. */
const MAX_VERSIONS = 20;
const MAX_ALIASES = 10;

/** The stored part of a function. The registry adds the revision. */
export type Changed = Pick<FunctionEntry, 'definition' | 'versions' | 'aliases'>;
export type PublishOptions = {
  /** By default `vYYYYMMDD-HHMMSS`, in UTC. */
  version?: string | undefined;
  description?: string | undefined;
};

/** Replaces the masks of a definition by the present secrets. Throws `InvalidInputError` for a mask without a present secret. */
export function withSecrets(definition: FunctionDefinition, present: FunctionDefinition | undefined): FunctionDefinition {
  const { secretUserData } = definition;
  if (secretUserData === undefined) return definition;
  const secrets = Object.entries(secretUserData).map(([key, value]): [string, string] => {
    if (value !== MASK) return [key, value];
    const stored = present?.secretUserData ?? {};
    if (Object.hasOwn(stored, key)) return [key, stored[key] ?? ''];
    throw new InvalidInputError({
      field: `secretUserData.${key}`,
      problem: `is ${MASK}, which stands for a stored value, and no value is stored`,
    });
  });
  return { ...definition, secretUserData: Object.fromEntries(secrets) };
}

/** Publishes the present definition as a version. Throws `InvalidInputError` and `VersionRefusedError`. */
export function withVersion(entry: Changed, { version, description }: PublishOptions, now: number): [Changed, FunctionVersion] {
  const { definition, versions } = entry;
  const name = parseInput(versionNameSchema, version ?? nameOfVersion(now), 'the version');
  const last = versions.at(-1);
  if (last !== undefined && fixedPartOf(last.definition) === fixedPartOf(definition)) {
    const message = (nameOf: NameOf) =>
      `function "${nameOf(definition.name)}" has not changed since version "${last.version}": its code, limits and user data are the same`;
    throw new VersionRefusedError({ reason: 'unchanged', message });
  }
  if (versions.some((one) => one.version === name))
    throw new VersionRefusedError({
      reason: 'version-exists',
      message: (nameOf) => `function "${nameOf(definition.name)}" has a version "${name}" already`,
    });
  if (versions.length + 1 >= MAX_VERSIONS) {
    const message = (nameOf: NameOf) => `function "${nameOf(definition.name)}" has ${MAX_VERSIONS} versions, with latest; delete one first`;
    throw new VersionRefusedError({ reason: 'too-many-versions', message });
  }
  const text = description ?? '';
  if (text.length > 512) throw new InvalidInputError({ field: 'the description', problem: 'has more than 512 characters' });
  const published: FunctionVersion = { version: name, description: text, publishedAt: now, definition };
  return [{ ...entry, versions: [...versions, published] }, published];
}

/** Removes a version. Throws `FunctionNotFoundError`, and `VersionRefusedError` while an alias refers to the version. */
export function withoutVersion(entry: Changed, version: string): Changed {
  const { definition, versions, aliases } = entry;
  if (version === LATEST) throw new InvalidInputError({ field: 'the version latest', problem: 'cannot be deleted; delete the function' });
  expectVersion(entry, version);
  const user = aliases.find((alias) => versionsOfAlias(alias).includes(version));
  if (user !== undefined) {
    const message = (nameOf: NameOf) =>
      `version "${version}" of function "${nameOf(definition.name)}" is in use by its alias "${user.name}"`;
    throw new VersionRefusedError({ reason: 'version-in-use', message });
  }
  return { ...entry, versions: versions.filter((one) => one.version !== version) };
}

/** Creates or replaces an alias. Its own policy stays unless the input has one. Throws like {@link withVersion}. */
export function withAlias(entry: Changed, input: AliasInput, now: number): [Changed, FunctionAlias] {
  const { definition, aliases } = entry;
  const alias = parseInput(aliasSchema, input, 'the alias');
  for (const version of versionsOfAlias(alias)) if (version !== LATEST) expectVersion(entry, version);
  if (Object.hasOwn(alias.weights, alias.version))
    throw new InvalidInputError({
      field: 'the weights',
      problem: `name ${alias.version}, the main version, which gets the remaining requests`,
    });
  const present = aliases.find(({ name }) => name === alias.name);
  const others = aliases.filter(({ name }) => name !== alias.name);
  const sameVersion = others.find(({ version }) => version === alias.version);
  if (sameVersion !== undefined) {
    const message = (nameOf: NameOf) =>
      `version "${alias.version}" of function "${nameOf(definition.name)}" has the alias "${sameVersion.name}" already`;
    throw new VersionRefusedError({ reason: 'version-aliased', message });
  }
  if (present === undefined && aliases.length >= MAX_ALIASES)
    throw new VersionRefusedError({
      reason: 'too-many-aliases',
      message: (nameOf) => `function "${nameOf(definition.name)}" has ${MAX_ALIASES} aliases; delete one first`,
    });
  const changed: FunctionAlias = { ...withPresent(alias, present, now), changedAt: now };
  return [{ ...entry, aliases: [...others, changed].sort((one, other) => (one.name < other.name ? -1 : 1)) }, changed];
}

/** What a change of an alias keeps: its own policy, its latest decision and, with the same shares, their time and the automatic canary. */
function withPresent({ auto: given, ...alias }: z.output<typeof aliasSchema>, present: FunctionAlias | undefined, now: number) {
  const sharesOf = ({ version, weights }: Pick<FunctionAlias, 'version' | 'weights'>): string =>
    JSON.stringify([version, Object.entries(weights).sort(([one], [other]) => (one < other ? -1 : 1))]);
  const isSame = present !== undefined && sharesOf(present) === sharesOf(alias);
  const auto = given === undefined && isSame ? present.auto : given;
  if (auto !== undefined && auto !== null && Object.keys(alias.weights).length !== 1)
    throw new InvalidInputError({ field: 'the automatic canary', problem: 'needs one other version with a weight' });
  const policy = alias.policy ?? present?.policy;
  return {
    ...alias,
    ...(policy === undefined ? {} : { policy }),
    ...(auto === undefined || auto === null ? {} : { auto: withoutDefaults(auto) }),
    ...(present?.decision === undefined ? {} : { decision: present.decision }),
    weightedAt: isSame ? present.weightedAt : now,
  };
}

/** A margin that is the default is not stored, so that processes of version 0.2 can read the entry. */
function withoutDefaults({ margin, ...auto }: NonNullable<FunctionAlias['auto']>): NonNullable<FunctionAlias['auto']> {
  return margin === undefined || margin === DEFAULT_MARGIN ? auto : { ...auto, margin };
}

/**
 * Ends an automatic canary and records why, as one change. The entry stays as it is when the decision does not apply any more: of several
 * processes that decide, the first one changes the alias.
 */
export function withDecision(entry: Changed, name: string, decision: Omit<CanaryDecision, 'at'>, now: number): Changed {
  const alias = entry.aliases.find((one) => one.name === name);
  if (!isDecidable(alias, decision)) return entry;
  const input = decision.decision === 'promoted' ? promoted(alias, decision.canary) : rolledBack(alias);
  const [next] = withAlias(entry, input, now);
  return { ...next, aliases: next.aliases.map((one) => (one.name === name ? { ...one, decision: { ...decision, at: now } } : one)) };
}

/** Removes an alias. Throws `FunctionNotFoundError`. */
export function withoutAlias(entry: Changed, name: string): Changed {
  expectAlias(entry, name);
  return { ...entry, aliases: entry.aliases.filter((alias) => alias.name !== name) };
}

export type PolicyChange = { next: Changed; before: Policy | undefined; after: Policy | undefined };

/**
 * Changes the policy of a version, or the own policy of a `!alias`, which `undefined` removes. The own policy of an alias begins as that of
 * its version, so that a change keeps the fields that it does not name. Throws `FunctionNotFoundError`.
 */
export function withPolicy(entry: Changed, qualifier: string, change: (policy: Policy) => PolicyInput | undefined): PolicyChange {
  if (qualifier.startsWith('!')) {
    const { policy: before, ...alias } = expectAlias(entry, qualifier.slice(1));
    const after = parsePolicy(change(before ?? definitionOf(entry, alias.version).policy));
    const changed: FunctionAlias = after === undefined ? alias : { ...alias, policy: after };
    return { next: { ...entry, aliases: entry.aliases.map((one) => (one.name === alias.name ? changed : one)) }, before, after };
  }
  const present = definitionOf(entry, qualifier);
  const after = parsePolicy(change(present.policy)) ?? NO_POLICY;
  const definition: FunctionDefinition = { ...present, policy: after };
  const next =
    qualifier === LATEST
      ? { ...entry, definition }
      : { ...entry, versions: entry.versions.map((one) => (one.version === qualifier ? { ...one, definition } : one)) };
  return { next, before: present.policy, after };
}

/** The definition of a version. Throws `FunctionNotFoundError`. */
export function definitionOf(entry: Changed, version: string): FunctionDefinition {
  return version === LATEST ? entry.definition : expectVersion(entry, version).definition;
}

function parsePolicy(input: PolicyInput | undefined): Policy | undefined {
  return input === undefined ? undefined : parseInput(policySchema, input, 'the policy');
}

function expectVersion({ definition, versions }: Changed, version: string): FunctionVersion {
  const found = versions.find((one) => one.version === version);
  if (found === undefined) throw new FunctionNotFoundError({ name: definition.name, qualifier: version });
  return found;
}

function expectAlias({ definition, aliases }: Changed, name: string): FunctionAlias {
  const found = aliases.find((alias) => alias.name === name);
  if (found === undefined) throw new FunctionNotFoundError({ name: definition.name, qualifier: `!${name}` });
  return found;
}

/** The part of a definition that a version fixes. Only a package contains code; a file without a package, a subject or a URL is a reference. */
function fixedPartOf({ handler, timeoutInMs, memoryInMb, userData, secretUserData = {} }: FunctionDefinition): string {
  return JSON.stringify([handler, timeoutInMs, memoryInMb, userData, secretUserData]);
}

function nameOfVersion(now: number): string {
  const [date = '', time = ''] = new Date(now).toISOString().slice(0, 19).split('T');
  return `v${date.replaceAll('-', '')}-${time.replaceAll(':', '')}`;
}
