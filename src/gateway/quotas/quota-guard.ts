import { projectOf } from '#src/core/names/addressable.ts';
import { DEFAULT_STORED_BYTES, defaultStoredBytes, type ProjectQuota } from '#src/core/quotas/project-quota.ts';
import type { ProjectQuotas } from '#src/core/quotas/project-quotas.ts';
import { type Admitted, GuardedProject, type GuardedProjectOptions, type Refusals } from './guarded-project.ts';
import { type UsageNeed, type UsageWatchOptions, watchUsage } from './usage-watch.ts';

export type QuotaGuardOptions = UsageWatchOptions &
  Pick<GuardedProjectOptions, 'store' | 'acknowledged'> & {
    quotas: ProjectQuotas;
    /** The name of the own project. */
    ownProject: string;
  };

/** What a project uses, and its quotas. `undefined` names the own project. */
export type QuotaUse = { project: string | undefined; quota: ProjectQuota; open: number; stored: number; refusals: Refusals };

/** Refuses requests of projects that have reached a quota, before the log accepts them (QUO1). */
export interface QuotaGuard {
  /** `undefined` when the project of the function has no quota. Throws `QuotaExceededError`. */
  admit(name: string, count: number): Promise<Admitted> | undefined;
  /** As `admit`, but waits for a while, in the order of the calls. */
  admitInTurn(name: string, count: number): Promise<Admitted> | undefined;
  /** The projects that have quotas of the operator, or have reached a default. */
  readonly uses: QuotaUse[];
}

/** How fast the log of all projects grows at most. Defaults are counted again before this growth would fill what is left of one. */
const MAX_GROWTH_PER_MS = 200_000;
/** The longest pause between two counts for defaults. A count for a quota of the operator has no pause. */
const MAX_PAUSE_MS = 5_000;

export function createQuotaGuard({ ownProject, store, acknowledged, quotas, ...options }: QuotaGuardOptions): QuotaGuard {
  const { clock, signal } = options;
  const projects = new Map<string | undefined, GuardedProject>();
  let defaultStored = DEFAULT_STORED_BYTES;

  /** The quotas of the operator, and the default of another project than the own one (QUO6). */
  function limitsOf(project: string | undefined): ProjectQuota {
    const quota = quotas.of(project);
    return project === undefined || quota.storedBytes !== undefined ? quota : { ...quota, storedBytes: defaultStored };
  }

  function guarded(project: string | undefined): GuardedProject {
    let found = projects.get(project);
    if (found === undefined) {
      const key = `accept-rate.${project === undefined ? 'own' : `project.${project}`}`;
      found = new GuardedProject({
        name: project ?? ownProject,
        quota: () => limitsOf(project),
        mustKnowUse: () => hasAmount(quotas.of(project)),
        store,
        key,
        clock,
        acknowledged,
        unknownForMs: () => watch.unknownForMs,
        signal,
      });
      projects.set(project, found);
      watch.start();
    }
    return found;
  }

  const watch = watchUsage(options, need, ({ sequence, open, stored = {}, logBytes }) => {
    defaultStored = defaultStoredBytes(logBytes);
    for (const project of new Set([...quotas.all.map((one) => one.project), ...projects.keys()])) {
      const found = guarded(project);
      found.open.setCounted({ sequence, open: open[project ?? ''] ?? 0 });
      found.stored = stored[project ?? ''] ?? 0;
    }
  });
  quotas.onChange(() => watch.start());
  watch.start();

  /** Quotas of the operator are counted all the time, and defaults the more often the less of them is left. */
  function need(): UsageNeed | undefined {
    const byDefault = [...projects].filter(([project]) => project !== undefined && quotas.of(project).storedBytes === undefined);
    const bytes = byDefault.length > 0 || quotas.all.some(({ quota }) => quota.storedBytes !== undefined);
    if (quotas.all.some(({ quota }) => hasAmount(quota))) return { bytes, pauseInMs: 0 };
    const largest = byDefault.reduce((most, [, { stored }]) => Math.max(most, stored), 0);
    return bytes ? { bytes, pauseInMs: Math.min((defaultStored - largest) / MAX_GROWTH_PER_MS, MAX_PAUSE_MS) } : undefined;
  }

  /** The project of a function, if it has a quota. */
  function limited(name: string): GuardedProject | undefined {
    const project = projectOf(name);
    if (project === undefined && quotas.isEmpty) return undefined;
    const { open, rate, storedBytes } = limitsOf(project);
    return [open, rate, storedBytes].some((limit) => limit !== undefined) ? guarded(project) : undefined;
  }

  return {
    admit: (name, count) => limited(name)?.admit(count),
    admitInTurn: (name, count) => limited(name)?.admitInTurn(count),
    get uses() {
      return [...new Set([...quotas.all.map(({ project }) => project), ...projects.keys()])].map((project) => {
        const { open, stored, refusals } = guarded(project);
        const limits = limitsOf(project);
        const hasReached = stored >= (limits.storedBytes ?? Number.POSITIVE_INFINITY);
        const quota = hasReached ? limits : quotas.of(project);
        return { project, quota, open: open.counted + open.uncounted, stored, refusals };
      });
    },
  };
}

/** Whether a quota bounds an amount, which only a projection knows. */
function hasAmount({ open, storedBytes }: ProjectQuota): boolean {
  return open !== undefined || storedBytes !== undefined;
}
