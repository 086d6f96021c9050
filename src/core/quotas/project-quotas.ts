import { type ProjectQuota, parseQuota, projectOfQuotaKey, quotaKeyOf } from './project-quota.ts';

const NONE: ProjectQuota = { v: 1 };

/** The quotas of all projects, by the changes that `note` reported. `undefined` names the own project. */
export class ProjectQuotas {
  readonly #quotas = new Map<string | undefined, ProjectQuota>();
  readonly #listeners = new Set<() => void>();

  /** Takes over a change of the bucket of the registry. A quota that cannot be read changes nothing. */
  applyChange({ key, value }: { key: string; value?: string | undefined }): void {
    const project = projectOfQuotaKey(key);
    if (quotaKeyOf(project) !== key) return;
    if (value === undefined) this.#quotas.delete(project);
    else this.#quotas.set(project, parseQuota(value) ?? this.of(project));
    for (const listener of this.#listeners) listener();
  }

  of(project: string | undefined): ProjectQuota {
    return this.#quotas.get(project) ?? NONE;
  }

  /** Whether no project has a quota or a weight. While none has, nothing is counted. */
  get isEmpty(): boolean {
    return this.#quotas.size === 0;
  }

  get all(): { project: string | undefined; quota: ProjectQuota }[] {
    return [...this.#quotas].map(([project, quota]) => ({ project, quota }));
  }

  /** Calls the listener after each change. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }
}
