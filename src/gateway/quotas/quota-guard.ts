import { projectOf } from '#src/core/names/addressable.ts';
import type { ProjectQuota } from '#src/core/quotas/project-quota.ts';
import { type Admitted, GuardedProject, type GuardedProjectOptions, type Refusals } from './guarded-project.ts';
import { type UsageWatchOptions, watchUsage } from './usage-watch.ts';

export type QuotaGuardOptions = UsageWatchOptions &
  Pick<GuardedProjectOptions, 'store' | 'acknowledged'> & {
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
  /** The projects that have quotas. */
  readonly uses: QuotaUse[];
}

export function createQuotaGuard({ ownProject, store, acknowledged, ...options }: QuotaGuardOptions): QuotaGuard {
  const { quotas, clock, signal } = options;
  const projects = new Map<string | undefined, GuardedProject>();

  function guarded(project: string | undefined): GuardedProject {
    let found = projects.get(project);
    if (found === undefined) {
      const key = `accept-rate.${project === undefined ? 'own' : `project.${project}`}`;
      const quota = (): ProjectQuota => quotas.of(project);
      found = new GuardedProject({
        name: project ?? ownProject,
        quota,
        store,
        key,
        clock,
        acknowledged,
        unknownForMs: () => watch.unknownForMs,
        signal,
      });
      projects.set(project, found);
    }
    return found;
  }

  const watch = watchUsage(options, ({ sequence, open, stored = {} }) => {
    for (const { project } of quotas.all) {
      const found = guarded(project);
      found.open.note({ sequence, open: open[project ?? ''] ?? 0 });
      found.stored = stored[project ?? ''] ?? 0;
    }
  });

  /** The project of a function, if it has a quota. */
  function limited(name: string): GuardedProject | undefined {
    if (quotas.isEmpty) return undefined;
    const project = projectOf(name);
    const { open, rate, storedBytes } = quotas.of(project);
    return [open, rate, storedBytes].some((limit) => limit !== undefined) ? guarded(project) : undefined;
  }

  return {
    admit: (name, count) => limited(name)?.admit(count),
    admitInTurn: (name, count) => limited(name)?.admitInTurn(count),
    get uses() {
      return quotas.all.map(({ project, quota }) => {
        const { open, stored, refusals } = guarded(project);
        return { project, quota, open: open.counted + open.uncounted, stored, refusals };
      });
    },
  };
}
