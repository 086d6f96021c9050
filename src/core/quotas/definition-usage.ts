import { isProjectKey } from '#src/core/encryption/project-settings.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { isScheduleKey, scheduleNameIn } from '#src/core/schedules/schedule.ts';
import { isQuotaKey } from './project-quota.ts';

/** What an entry of a store defines, and the project that it counts for; the own project has an empty name. */
export type EntryOwner = { project: string; kind: 'function' | 'schedule' | 'other' };
export type OwnerOf = (key: string) => EntryOwner | undefined;

/** What the entries of one project are. `bytes` are charged bytes. */
export type DefinitionCounts = { functions: number; schedules: number; bytes: number };

const BLOCK = 1_024;
const NONE: Readonly<DefinitionCounts> = { functions: 0, schedules: 0, bytes: 0 };

/**
 * The bytes that an entry is charged with: whole blocks, so that many tiny entries count, and that to pause a function, which changes a few
 * bytes, is possible at the quota.
 */
export function chargeOf(key: string, value: string): number {
  return Math.ceil((Buffer.byteLength(value) + key.length) / BLOCK) * BLOCK;
}

/** The owner of an entry of the registry. Quotas and the settings of projects belong to the operator. */
export const ownerInRegistry: OwnerOf = (key) => {
  if (isQuotaKey(key) || isProjectKey(key)) return undefined;
  if (isScheduleKey(key)) return { project: projectOf(scheduleNameIn(key)) ?? '', kind: 'schedule' };
  // A key of layers ends with the project and "=", as the name of a function begins.
  const events = /^(?:test-events|layers)\.(.*)$/s.exec(key)?.[1];
  if (events !== undefined) return { project: projectOf(events) ?? '', kind: 'other' };
  return { project: projectOf(key) ?? '', kind: 'function' };
};

/** The owner of an entry of the gateways: the fields of the vendor's API. Sessions and the like have bounds of their own. */
export const ownerInRecords: OwnerOf = (key) => {
  const name = /^(?:function|async)\.([^/]+)/.exec(key)?.[1];
  return name === undefined ? undefined : { project: projectOf(name) ?? '', kind: 'other' };
};

/** What the projects define, by the entries of one store that were noted. */
export class DefinitionUsage {
  readonly #ownerOf: OwnerOf;
  readonly #charges = new Map<string, number>();
  readonly #counts = new Map<string, DefinitionCounts>();

  constructor(ownerOf: OwnerOf) {
    this.#ownerOf = ownerOf;
  }

  /** Takes over a change of the store. */
  applyChange({ key, value }: { key: string; value?: string | undefined }): void {
    const owner = this.#ownerOf(key);
    if (owner === undefined) return;
    const before = this.#charges.get(key);
    const after = value === undefined ? undefined : chargeOf(key, value);
    if (after === undefined) this.#charges.delete(key);
    else this.#charges.set(key, after);
    const added = Number(after !== undefined) - Number(before !== undefined);
    const counts = this.#counts.get(owner.project) ?? { ...NONE };
    counts.bytes += (after ?? 0) - (before ?? 0);
    if (owner.kind === 'function') counts.functions += added;
    if (owner.kind === 'schedule') counts.schedules += added;
    this.#counts.set(owner.project, counts);
    if (counts.bytes === 0) this.#counts.delete(owner.project);
  }

  /** The charge of an entry; `undefined` when there is no such entry. */
  chargeFor(key: string): number | undefined {
    return this.#charges.get(key);
  }

  of(project: string): Readonly<DefinitionCounts> {
    return this.#counts.get(project) ?? NONE;
  }

  get projects(): string[] {
    return [...this.#counts.keys()];
  }
}
