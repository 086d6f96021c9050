import type { RoleInstance } from './ports/questions/role-instances.ts';

/** A version of Sequent that processes run, with the number of these processes. */
export type RunningVersion = { version: string; processes: number };

/**
 * The versions that the processes run, the newest first. Several of them run during a rolling upgrade, and after one that was not finished.
 *
 * The numbers of two builds of one version name their sources, and have no order. The build of the process that started last is the newer.
 */
export function runningVersions(instances: readonly Pick<RoleInstance, 'version' | 'startedAt'>[]): RunningVersion[] {
  const found = new Map<string, { processes: number; startedAt: number }>();
  for (const { version, startedAt } of instances) {
    const { processes, startedAt: latest } = found.get(version) ?? { processes: 0, startedAt };
    found.set(version, { processes: processes + 1, startedAt: Math.max(latest, startedAt) });
  }
  const releaseOf = (version: string): string => version.replace(/(-dev)\..*$/, '$1');
  return [...found]
    .map(([version, rest]) => ({ version, ...rest }))
    .sort(
      (one, other) =>
        releaseOf(other.version).localeCompare(releaseOf(one.version), 'en', { numeric: true }) || other.startedAt - one.startedAt,
    )
    .map(({ version, processes }) => ({ version, processes }));
}
