import type { RoleInstance } from '#src/core/ports/role-instances.ts';

/** A version of Sequent that processes run, with the number of these processes. */
export type RunningVersion = { version: string; processes: number };

/** The versions that the processes run, the newest first. Several of them run during a rolling upgrade, and after one that was not finished. */
export function runningVersions(instances: readonly Pick<RoleInstance, 'version'>[]): RunningVersion[] {
  const counts = new Map<string, number>();
  for (const { version } of instances) counts.set(version, (counts.get(version) ?? 0) + 1);
  return [...counts]
    .map(([version, processes]) => ({ version, processes }))
    .sort((one, other) => other.version.localeCompare(one.version, 'en', { numeric: true }));
}
