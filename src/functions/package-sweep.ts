import { messageOf } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { CodePackages } from '#src/core/ports/stores/code-packages.ts';
import { type KeyValue, readEntries } from '#src/core/ports/stores/key-value.ts';

type Options = {
  packages: Pick<CodePackages, 'list' | 'delete'>;
  /** The store of the registry. */
  functions: Pick<KeyValue, 'watch'>;
  clock: Clock;
  /** How long an unreferenced package stays, in milliseconds: its function may be defined after the package is stored. */
  graceInMs?: number;
};

const EVERY_MS = 600_000;
const GRACE_IN_MS = 3_600_000;

/** Removes the packages that no version of any function refers to, and resolves to their digests. */
export async function sweepPackages({ packages, functions, clock, graceInMs = GRACE_IN_MS }: Options): Promise<string[]> {
  const cutoff = clock.now() - graceInMs;
  const isOld = ({ storedAt }: { storedAt: number }): boolean => storedAt < cutoff;
  if (!(await packages.list()).some(isOld)) return [];
  const used = new Set<string>();
  // The text is searched, so entries that this version of Sequent cannot read count too.
  await readEntries(functions, ({ value }) => {
    for (const digest of value?.match(/\b[0-9a-f]{128}\b/g) ?? []) used.add(digest);
  });
  // The list is read again after the references: a package that was stored again meanwhile is not old.
  const unused = (await packages.list()).filter((stored) => isOld(stored) && !used.has(stored.digest));
  for (const { digest, owner } of unused) await packages.delete(digest, owner);
  return unused.map(({ digest }) => digest);
}

/** Sweeps every ten minutes until the signal aborts. Several processes may sweep concurrently. */
export async function sweepPackagesRegularly(options: Options & { logger: Logger }, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal);
    if (signal.aborted) return;
    try {
      const removed = await sweepPackages(options);
      if (removed.length > 0) logger.info({ removed }, 'removed the code packages that no function refers to');
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'the code packages could not be swept');
    }
  }
}
