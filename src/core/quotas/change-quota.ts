import { ConflictError, InvalidInputError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { repeatOnConflict } from '#src/core/repeat-on-conflict.ts';
import {
  isQuotaKey,
  type ProjectQuota,
  parseQuota,
  problemOfLimits,
  projectOfQuotaKey,
  type QuotaLimits,
  quotaKeyOf,
} from './project-quota.ts';

/** The projects that have a quota or a weight. `undefined` names the own project. */
export async function listQuotas(store: KeyValue): Promise<{ project: string | undefined; quota: ProjectQuota }[]> {
  const keys = (await store.keys()).filter(isQuotaKey);
  const found = await Promise.all(keys.map(async (key) => ({ key, stored: await store.get(key) })));
  return found.flatMap(({ key, stored }) => {
    const quota = stored === undefined ? undefined : parseQuota(stored.value);
    return quota === undefined ? [] : [{ project: projectOfQuotaKey(key), quota }];
  });
}

/**
 * Changes the quota of a project: `change` gets the present limits, and decides again after a concurrent change. Every process of Sequent
 * has heard of it, or was not reached within a second. Throws `InvalidInputError`, and `ConflictError` when the changes do not end.
 */
export async function changeQuota(
  store: KeyValue,
  project: string | undefined,
  change: (present: QuotaLimits) => QuotaLimits,
): Promise<QuotaLimits> {
  return await repeatOnConflict(() => changeOnce(store, quotaKeyOf(project), change));
}

async function changeOnce(store: KeyValue, key: string, change: (present: QuotaLimits) => QuotaLimits): Promise<QuotaLimits> {
  const stored = await store.get(key);
  const { v: _, ...present } = (stored === undefined ? undefined : parseQuota(stored.value)) ?? { v: 1 as const };
  const next = change(present);
  const problem = problemOfLimits(next);
  if (problem !== undefined) throw new InvalidInputError({ field: 'the quota', problem: `is not valid: ${problem}` });
  const revision = await store.put(key, JSON.stringify({ v: 1, ...next }), stored?.revision ?? 0).catch((cause: unknown) => {
    throw cause instanceof ConflictError ? new ConflictError({ what: 'the quota of the project' }, { cause }) : cause;
  });
  await store.reachedWatchers(revision);
  return next;
}
