import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import { problemsOf } from '#src/core/text/problems.ts';

const count = z.int().min(0).max(10_000_000);
const bytes = z.int().min(0);

/** The quotas of a project and its weight. They are in the bucket of the registry, which every process follows (FN1). */
const quotaSchema = z
  .object({
    v: z.literal(1),
    /** How many invocations may be open: accepted, and not notified. */
    open: count.optional(),
    /** How many requests are accepted per second. */
    rate: z.int().min(1).max(1_000_000).optional(),
    /** How many requests are accepted at once after a pause; `rate` by default. */
    burst: z.int().min(1).max(1_000_000).optional(),
    /** How many bytes the log and the store of large payloads may hold for the project; see {@link defaultStoredBytes}. */
    storedBytes: bytes.optional(),
    /** How many functions the project may define. */
    functions: count.optional(),
    /** How many schedules the project may define. */
    schedules: count.optional(),
    /** How many bytes the definitions of the project may have: functions with versions and aliases, schedules, and test events. */
    definitionBytes: bytes.optional(),
    /** How many bytes the code packages of the project may have. */
    codeBytes: bytes.optional(),
    /** How much memory the function processes of the project may have together in one worker. */
    memoryBytes: bytes.optional(),
    /** How many processors the function processes of the project may use together in one worker, such as 1.5. */
    processors: z.number().min(0.05).max(1_024).optional(),
    /** The share of the places of a worker; 1 by default. */
    weight: z.int().min(1).max(1_000).optional(),
  })
  .refine(({ rate, burst }) => burst === undefined || rate !== undefined, { path: ['burst'], message: 'needs a rate' });

export type ProjectQuota = z.output<typeof quotaSchema>;
export type QuotaLimits = Omit<ProjectQuota, 'v'>;

const MB = 1_024 * 1_024;

/**
 * The quotas of the definitions of a project. They hold for every project, because each process keeps all definitions in memory. The
 * numbers of functions and of bytes of code are the same as with the vendor.
 */
export const DEFAULT_DEFINITION_QUOTAS = {
  functions: 400,
  schedules: 400,
  definitionBytes: 16 * MB,
  codeBytes: 10_240 * MB,
} as const satisfies QuotaLimits;

/**
 * How many bytes the log and the store of large payloads hold for a project, unless the operator sets a quota. The own project, which is the
 * operator's, has no such bound.
 */
export const DEFAULT_STORED_BYTES = 10_240 * MB;
/**
 * The share of a project in a log with a limit. The scheduler keeps up to three times the bytes of open requests free for what follows them,
 * so a project takes half of the log at most.
 */
const SHARE_OF_LIMITED_LOG = 1 / 8;

/** The default of the stored bytes of another project than the own one. `logBytes`: the limit of the log, if it has one. */
export function defaultStoredBytes(logBytes = Number.POSITIVE_INFINITY): number {
  return Math.min(DEFAULT_STORED_BYTES, Math.floor(logBytes * SHARE_OF_LIMITED_LOG));
}

const PREFIX = 'quota.';

/** Whether a key of the bucket of the registry holds the quota of a project, and no function. */
export function isQuotaKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

/** `undefined` means the own project. */
export function quotaKeyOf(project: string | undefined): string {
  return project === undefined ? `${PREFIX}own` : `${PREFIX}project.${project}`;
}

/** The reverse of {@link quotaKeyOf}. */
export function projectOfQuotaKey(key: string): string | undefined {
  const prefix = `${PREFIX}project.`;
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}

/** A stored quota; `undefined` when this version cannot read the text. */
export function parseQuota(text: string): ProjectQuota | undefined {
  return quotaSchema.safeParse(parseJson(text)).data;
}

/** The problem of wrong limits in words; `undefined` when they are right. */
export function problemOfLimits(limits: QuotaLimits): string | undefined {
  const parsed = quotaSchema.safeParse({ v: 1, ...limits });
  return parsed.success ? undefined : problemsOf(parsed.error);
}
