import { z } from 'zod';
import type { Terms } from '#machines/facts.ts';
import { fnv1a } from '#machines/fnv.ts';
import { FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import {
  type FunctionDefinition,
  functionDefinitionSchema,
  LATEST,
  MASK,
  type Policy,
  policySchema,
  type RegisteredFunction,
} from './definition.ts';

const percent = z.int('must be a whole number').min(0, 'must be 0 to 100').max(100, 'must be 0 to 100');

export const versionNameSchema = z
  .string()
  .max(42)
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/,
    'must be 1 to 42 letters, digits, ".", "-" or "_", and start and end with a letter or digit',
  )
  .refine((name) => name !== LATEST, 'is the unpublished version');

const PROMOTE_AFTER = 500;
export const promoteAfterSchema = z
  .int('must be a whole number')
  .min(20, 'must be at least 20')
  .max(1_000_000, 'must be at most 1000000')
  .default(PROMOTE_AFTER)
  .describe('the canary is promoted after no fewer of its ended invocations');

/** In percentage points. With less, the invocations that a decision needs would be some 100,000. */
export const DEFAULT_MARGIN = 1;
export const MARGINS = { min: 0.1, max: 50 } as const;
export const marginSchema = z
  .number('must be a number')
  .min(MARGINS.min, `must be at least ${MARGINS.min}`)
  .max(MARGINS.max, `must be at most ${MARGINS.max}`)
  .describe(
    `the canary is promoted once the test excludes that it fails, or needs retries, more often by so many percentage points; ${DEFAULT_MARGIN} by default`,
  );

const versionSchema = z.strictObject({
  version: versionNameSchema,
  description: z.string().max(512).default(''),
  publishedAt: z.number(),
  /** The definition that `latest` had when it was published. Only the policy can change. */
  definition: functionDefinitionSchema,
});

export const aliasSchema = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(
      /^[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$/,
      'must be 1 to 64 letters, digits, "-" or "_", start with a letter and end with a letter or digit',
    ),
  /** The version that the alias resolves to. */
  version: z.union([versionNameSchema, z.literal(LATEST)]),
  description: z.string().max(512).default(''),
  /** The percentage of requests that run other versions. */
  weights: z
    .record(z.union([versionNameSchema, z.literal(LATEST)]), percent)
    .refine((weights) => sum(weights) <= 100, 'must be at most 100 percent in total')
    .default({}),
  /** Takes precedence over the policy of the version. */
  policy: policySchema.optional(),
  /** Promotes or rolls back the only weighted version without a person. Left out, it stays as long as the versions and the weights do. */
  // An absent margin is the default. Processes of version 0.2 refuse an entry with a margin.
  auto: z.strictObject({ promoteAfter: promoteAfterSchema, margin: marginSchema.optional() }).nullish(),
});

/** What Sequent decided about a canary by itself. The decision and the new shares of the alias are one write of the entry. */
const canaryDecisionSchema = z.strictObject({
  at: z.number(),
  decision: z.enum(['promoted', 'rolled-back']),
  canary: z.string(),
  main: z.string(),
  weight: z.number(),
  /** When the weight had been set. */
  since: z.number(),
  p: z.number(),
  why: z.string(),
});
export type CanaryDecision = z.infer<typeof canaryDecisionSchema>;

/** An alias as its owner writes it. */
export type AliasInput = z.input<typeof aliasSchema>;
export type FunctionVersion = z.infer<typeof versionSchema>;
const storedAliasSchema = aliasSchema.extend({
  changedAt: z.number(),
  /** When the present versions and weights were set. */
  weightedAt: z.number(),
  /** The latest decision. */
  decision: canaryDecisionSchema.optional(),
});
export type FunctionAlias = z.infer<typeof storedAliasSchema>;

/** A function with its versions and aliases: one entry of the registry, which changes as a whole. `definition` is that of `latest`. */
export type FunctionEntry = RegisteredFunction & { versions: readonly FunctionVersion[]; aliases: readonly FunctionAlias[] };

/** An entry without versions and aliases is stored as its definition alone. */
const storedSchema = functionDefinitionSchema.extend({
  versions: z.array(versionSchema).default([]),
  aliases: z.array(storedAliasSchema).default([]),
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
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown, field: string): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError({ field, problem: `is not valid: ${problemsOf(parsed.error)}` }, { cause: parsed.error });
}

/** The entry with masked secrets, for readers outside. */
export function withoutSecrets(entry: FunctionEntry): FunctionEntry {
  const versions = entry.versions.map((one) => ({ ...one, definition: masked(one.definition) }));
  return { ...entry, definition: masked(entry.definition), versions };
}

function masked(definition: FunctionDefinition): FunctionDefinition {
  const { secretUserData } = definition;
  if (secretUserData === undefined) return definition;
  return { ...definition, secretUserData: Object.fromEntries(Object.keys(secretUserData).map((key) => [key, MASK])) };
}

/** The versions that an alias can resolve to. */
export function versionsOfAlias({ version, weights }: Pick<FunctionAlias, 'version' | 'weights'>): string[] {
  return [...new Set([version, ...Object.keys(weights)])];
}

/** The shortest maximum age of all versions and aliases, in milliseconds. */
export function shortestAgeInMs({ definition, versions, aliases }: FunctionEntry): number {
  const policies = [definition.policy, ...versions.map((one) => one.definition.policy), ...aliases.map(({ policy }) => policy)];
  return Math.min(...policies.map((policy) => policy?.maxAgeInSeconds ?? Number.POSITIVE_INFINITY)) * 1_000;
}

/**
 * The qualifier that an invocation runs: the version of its terms, or the qualifier of its request before the first attempt. Terms without a
 * version mean `latest`.
 */
export function qualifierOf({ terms, request }: { terms: Terms | null; request: { qualifier: string } | null }): string {
  return terms === null ? (request?.qualifier ?? LATEST) : (terms.version ?? LATEST);
}

/** The version that an invocation runs; `undefined` when the function or the version does not exist. */
export function versionFor(
  entry: FunctionEntry | undefined,
  context: { terms: Terms | null; request: { qualifier: string; invocation: string } | null },
): RegisteredFunction | undefined {
  return entry && resolveFunction(entry, qualifierOf(context), context.request?.invocation ?? '');
}

/** The message for an invocation of a version or an alias that does not exist. */
export function missingVersion(context: Parameters<typeof qualifierOf>[0] & { request: { function: string } | null }): string {
  return new FunctionNotFoundError({ name: context.request?.function ?? '', qualifier: qualifierOf(context) }).message;
}

/** The resolved versions of each entry. One object per version keeps the shared terms shared (docs/performance.md V6). */
const resolutions = new WeakMap<FunctionEntry, Map<string, RegisteredFunction>>();

/**
 * The version that a request with this qualifier runs; `undefined` when there is none.
 *
 * The weights of an alias choose by a hash of the request id, so every call for one request returns the same version. The pause and the
 * concurrency of `latest` apply to all versions.
 */
export function resolveFunction(entry: FunctionEntry, qualifier: string, requestId: string): RegisteredFunction | undefined {
  if (qualifier === LATEST) return entry;
  if (!qualifier.startsWith('!')) return namedVersion(entry, qualifier, undefined);
  const alias = entry.aliases.find(({ name }) => name === qualifier.slice(1));
  if (alias === undefined) return undefined;
  return namedVersion(entry, chooseVersion(alias, `${entry.definition.name}:${alias.name}/${requestId}`), alias);
}

function namedVersion(entry: FunctionEntry, version: string, alias: FunctionAlias | undefined): RegisteredFunction | undefined {
  let cache = resolutions.get(entry);
  if (cache === undefined) {
    cache = new Map();
    resolutions.set(entry, cache);
  }
  const key = alias?.policy === undefined ? version : `${alias.name}/${version}`;
  const cached = cache.get(key);
  if (cached !== undefined) return cached;
  const { definition: latest, revision } = entry;
  const own = version === LATEST ? latest : entry.versions.find((one) => one.version === version)?.definition;
  if (own === undefined) return undefined;
  const { paused, concurrency } = latest;
  const policy: Policy = alias?.policy ?? own.policy;
  const found = { definition: { ...own, paused, concurrency, policy } satisfies FunctionDefinition, revision, version };
  cache.set(key, found);
  return found;
}

function chooseVersion({ version, weights }: FunctionAlias, seed: string): string {
  const drawn = unitHash(seed) * 100;
  let cumulative = 0;
  for (const [other, share] of Object.entries(weights)) {
    cumulative += share;
    if (drawn < cumulative) return other;
  }
  return version;
}

/** FNV-1a with the finalizer of MurmurHash3, which spreads ids that differ in few bits; mapped to [0, 1). */
function unitHash(text: string): number {
  let hash = fnv1a(text);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function sum(weights: Record<string, number>): number {
  return Object.values(weights).reduce((total, one) => total + one, 0);
}
