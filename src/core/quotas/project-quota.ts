import { z } from 'zod';
import { parseJson } from '#src/core/text/json.ts';

/** The quotas of a project and its weight. They are in the bucket of the registry, which every process follows (FN1). */
const quotaSchema = z
  .object({
    v: z.literal(1),
    /** How many invocations may be open: accepted, and not notified. */
    open: z.int().min(0).max(10_000_000).optional(),
    /** How many requests are accepted per second. */
    rate: z.int().min(1).max(1_000_000).optional(),
    /** How many requests are accepted at once after a pause; `rate` by default. */
    burst: z.int().min(1).max(1_000_000).optional(),
    /** How many bytes the log and the store of large payloads may hold for the project. */
    storedBytes: z.int().min(0).optional(),
    /** The share of the places of a worker; 1 by default. */
    weight: z.int().min(1).max(1_000).optional(),
  })
  .refine(({ rate, burst }) => burst === undefined || rate !== undefined, { path: ['burst'], message: 'needs a rate' });

export type ProjectQuota = z.output<typeof quotaSchema>;
export type QuotaLimits = Omit<ProjectQuota, 'v'>;

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
  return parsed.success ? undefined : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
}
