import { z } from 'zod';
import type { Terms } from '#machines/facts.ts';
import { fnv1a } from '#machines/fnv.ts';
import { FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import {
  type FunctionDefinition,
  functionDefinitionSchema,
  LATEST,
  MASK,
  type Policy,
  policySchema,
  type RegisteredFunction,
} from './definition.ts';

/** A function with its versions and aliases: one entry of the registry, which changes as a whole. */

const percent = z.int('must be a whole number').min(0, 'must be 0 to 100').max(100, 'must be 0 to 100');

export const versionNameSchema = z
  .string()
  .max(42)
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/,
    'must be 1 to 42 letters, digits, ".", "-" or "_", and begin and end with a letter or digit',
  )
  .refine((name) => name !== LATEST, 'is the version that is not published');

const versionSchema = z.strictObject({
  version: versionNameSchema,
  description: z.string().max(512).default(''),
  publishedAt: z.number(),
  /** As `latest` was. Only its policy ever changes. */
  definition: functionDefinitionSchema,
});

export const aliasSchema = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(
      /^[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$/,
      'must be 1 to 64 letters, digits, "-" or "_", begin with a letter and end with a letter or digit',
    ),
  /** Which version it stands for. */
  version: z.union([versionNameSchema, z.literal(LATEST)]),
  description: z.string().max(512).default(''),
  /** Which share of the requests, in percent, goes to other versions. */
  weights: z
    .record(z.union([versionNameSchema, z.literal(LATEST)]), percent)
    .refine((weights) => sum(weights) <= 100, 'must be 100 percent at most, together')
    .default({}),
  /** Goes before that of the version. */
  policy: policySchema.optional(),
});

/** An alias as somebody writes it. */
export type AliasInput = z.input<typeof aliasSchema>;
export type FunctionVersion = z.infer<typeof versionSchema>;
export type FunctionAlias = z.infer<typeof aliasSchema> & { changedAt: number };

/** `definition` is that of `latest`. */
export type FunctionEntry = RegisteredFunction & { versions: readonly FunctionVersion[]; aliases: readonly FunctionAlias[] };

/** An entry of an earlier Sequent is a definition alone, and reads as one without versions. */
const storedSchema = functionDefinitionSchema.extend({
  versions: z.array(versionSchema).default([]),
  aliases: z.array(aliasSchema.extend({ changedAt: z.number() })).default([]),
});

export function encodeEntry({ definition, versions, aliases }: Omit<FunctionEntry, 'revision' | 'version'>): string {
  return JSON.stringify({
    ...definition,
    ...(versions.length === 0 ? {} : { versions }),
    ...(aliases.length === 0 ? {} : { aliases }),
  });
}

/** Throws `InvalidInputError`. */
export function decodeEntry(value: string, revision: number): FunctionEntry {
  const { versions, aliases, ...definition } = parseInput(storedSchema, JSON.parse(value), 'the function definition');
  return { definition, revision, version: LATEST, versions, aliases };
}

/** Throws `InvalidInputError` that names the field. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError({ field: what, problem: `is not valid:\n${z.prettifyError(parsed.error)}` }, { cause: parsed.error });
}

/** The entry as anybody may see it. */
export function withoutSecrets(entry: FunctionEntry): FunctionEntry {
  const versions = entry.versions.map((one) => ({ ...one, definition: masked(one.definition) }));
  return { ...entry, definition: masked(entry.definition), versions };
}

function masked(definition: FunctionDefinition): FunctionDefinition {
  const { secretUserData } = definition;
  if (secretUserData === undefined) return definition;
  return { ...definition, secretUserData: Object.fromEntries(Object.keys(secretUserData).map((key) => [key, MASK])) };
}

/** The versions that an alias can stand for. */
export function versionsOfAlias({ version, weights }: Pick<FunctionAlias, 'version' | 'weights'>): string[] {
  return [...new Set([version, ...Object.keys(weights)])];
}

/** The shortest time, in milliseconds, after which a request for any version or alias can be too old. */
export function shortestAgeInMs({ definition, versions, aliases }: FunctionEntry): number {
  const policies = [definition.policy, ...versions.map((one) => one.definition.policy), ...aliases.map(({ policy }) => policy)];
  return Math.min(...policies.map((policy) => policy?.maxAgeInSeconds ?? Number.POSITIVE_INFINITY)) * 1_000;
}

/** Which version an invocation runs: fixed with its terms, until then what the request asked for. Earlier logs fix none: `latest`. */
export function qualifierOf({ terms, request }: { terms: Terms | null; request: { qualifier: string } | null }): string {
  return terms === null ? (request?.qualifier ?? LATEST) : (terms.version ?? LATEST);
}

/** The version that an invocation runs, by the log or else by its request; `undefined` when there is no function, or no such version. */
export function versionFor(
  entry: FunctionEntry | undefined,
  context: { terms: Terms | null; request: { qualifier: string; invocation: string } | null },
): RegisteredFunction | undefined {
  return entry && resolveFunction(entry, qualifierOf(context), context.request?.invocation ?? '');
}

/** Why an invocation cannot run that asks for a version, or an alias, which does not exist. */
export function missingVersion(context: Parameters<typeof qualifierOf>[0] & { request: { function: string } | null }): string {
  return new FunctionNotFoundError({ name: context.request?.function ?? '', qualifier: qualifierOf(context) }).message;
}

/** What was resolved before of an entry: the same request is asked about for every attempt, and every request of one entry. */
const resolutions = new WeakMap<FunctionEntry, Map<string, RegisteredFunction>>();

/**
 * The version that a request with this qualifier runs; `undefined` when there is none.
 *
 * The weights of an alias decide by a hash of the request id, so that asking again gives the same. Whether the function is paused,
 * and how many executions may run at one moment, is told by `latest` for all versions.
 */
export function resolveFunction(entry: FunctionEntry, qualifier: string, requestId: string): RegisteredFunction | undefined {
  if (qualifier === LATEST) return entry;
  if (!qualifier.startsWith('!')) return namedVersion(entry, qualifier, undefined);
  const alias = entry.aliases.find(({ name }) => name === qualifier.slice(1));
  if (alias === undefined) return undefined;
  return namedVersion(entry, chooseVersion(alias, `${entry.definition.name}:${alias.name}/${requestId}`), alias);
}

function namedVersion(entry: FunctionEntry, version: string, alias: FunctionAlias | undefined): RegisteredFunction | undefined {
  let known = resolutions.get(entry);
  if (known === undefined) {
    known = new Map();
    resolutions.set(entry, known);
  }
  const key = alias?.policy === undefined ? version : `${alias.name}/${version}`;
  const present = known.get(key);
  if (present !== undefined) return present;
  const { definition: latest, revision } = entry;
  const own = version === LATEST ? latest : entry.versions.find((one) => one.version === version)?.definition;
  if (own === undefined) return undefined;
  const { paused, concurrency } = latest;
  const policy: Policy = alias?.policy ?? own.policy;
  const found = { definition: { ...own, paused, concurrency, policy } satisfies FunctionDefinition, revision, version };
  known.set(key, found);
  return found;
}

function chooseVersion({ version, weights }: FunctionAlias, seed: string): string {
  const place = unitHash(seed) * 100;
  let passed = 0;
  for (const [other, share] of Object.entries(weights)) {
    passed += share;
    if (place < passed) return other;
  }
  return version;
}

/** FNV-1a with murmur's last mixing, which spreads ids that differ in a few bits only; mapped to [0, 1). */
function unitHash(text: string): number {
  let hash = fnv1a(text);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function sum(weights: Record<string, number>): number {
  return Object.values(weights).reduce((total, one) => total + one, 0);
}
