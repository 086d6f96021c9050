import type { CodePackages } from '#src/core/ports/stores/code-packages.ts';
import { digestOfArchive } from '#src/core/ports/stores/code-packages.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import {
  chargeOf,
  type DefinitionCounts,
  DefinitionUsage,
  type EntryOwner,
  type OwnerOf,
  ownerInRecords,
  ownerInRegistry,
} from './definition-usage.ts';
import { DEFAULT_DEFINITION_QUOTAS, type ProjectQuota } from './project-quota.ts';
import type { ProjectQuotas } from './project-quotas.ts';
import { type DefinitionQuota, QuotaExceededError } from './quota-exceeded-error.ts';

type Limits = Record<DefinitionQuota, number>;
/** What a project defines. The own project has an empty name. `code` is not counted before its first upload. */
export type DefinitionUse = {
  project: string;
  limits: Limits;
  /** The quotas that the operator set. The others are the defaults. */
  own: ProjectQuota;
  used: DefinitionCounts;
  refused: Partial<Record<DefinitionQuota, number>>;
};

/** How many growing changes of one project a gateway stores at one time. This bounds the excess of several gateways (QUO4). */
const MAX_CHANGES_IN_FLIGHT = 32;

/**
 * Refuses definitions beyond the quotas of their project, before they are stored (QUO4).
 *
 * 1. Every write of a gateway passes the stores that this object wraps, so no route can forget to ask.
 * 2. A change reserves its additions before it is stored: one gateway exceeds no quota. Each further gateway may add the changes that it has
 *    in flight.
 * 3. A change that adds nothing is never refused, so that a project above its quota can pause and delete its functions.
 */
export class DefinitionLimits {
  readonly #quotas: Pick<ProjectQuotas, 'of'>;
  readonly #ownProject: string;
  readonly #registry = new DefinitionUsage(ownerInRegistry);
  readonly #records = new DefinitionUsage(ownerInRecords);
  readonly #inFlight = new Map<string, DefinitionCounts & { changes: number; code: number }>();
  readonly #refused = new Map<string, Partial<Record<DefinitionQuota, number>>>();

  constructor({ quotas, ownProject }: { quotas: Pick<ProjectQuotas, 'of'>; ownProject: string }) {
    this.#quotas = quotas;
    this.#ownProject = ownProject;
  }

  /** Takes over a change of the registry. */
  applyChange(change: { key: string; value?: string | undefined }): void {
    this.#registry.applyChange(change);
  }

  /** The store of the registry, within the quotas. `noteRegistry` reports its changes. */
  registry(store: KeyValue): KeyValue {
    return this.#within(store, this.#registry, ownerInRegistry);
  }

  /** The store of the gateways, within the quotas. The store counts the definitions that its watch reports. */
  records(store: KeyValue): KeyValue {
    const usage = this.#records;
    return {
      ...this.#within(store, usage, ownerInRecords),
      watch: (onChange, signal) =>
        store.watch((change) => {
          usage.applyChange(change);
          onChange(change);
        }, signal),
    };
  }

  /** The store of code packages, within the quotas. */
  packages(packages: CodePackages): CodePackages {
    return {
      ...packages,
      put: async (archive, owner) => {
        if (await packages.has(await digestOfArchive(archive), owner)) return await packages.put(archive, owner);
        const release = this.#reserve(owner ?? '', { code: archive.length });
        try {
          const used = await packages.bytesOf(owner);
          this.#expectRoom(owner ?? '', 'codeBytes', used + (this.#inFlight.get(owner ?? '')?.code ?? 0));
          return await packages.put(archive, owner);
        } finally {
          release();
        }
      },
    };
  }

  /** The definitions of a project, with those that are being stored. The own project has an empty name. */
  of(project: string): DefinitionUse {
    const [registry, records, inFlight] = [this.#registry.of(project), this.#records.of(project), this.#inFlight.get(project)];
    const used = {
      functions: registry.functions + (inFlight?.functions ?? 0),
      schedules: registry.schedules + (inFlight?.schedules ?? 0),
      bytes: registry.bytes + records.bytes + (inFlight?.bytes ?? 0),
    };
    return { project, limits: this.#limitsOf(project), own: this.#quotaOf(project), used, refused: this.#refused.get(project) ?? {} };
  }

  #quotaOf(project: string): ProjectQuota {
    return this.#quotas.of(project === '' ? undefined : project);
  }

  #limitsOf(project: string): Limits {
    const quota = this.#quotaOf(project);
    return {
      functions: quota.functions ?? DEFAULT_DEFINITION_QUOTAS.functions,
      schedules: quota.schedules ?? DEFAULT_DEFINITION_QUOTAS.schedules,
      definitionBytes: quota.definitionBytes ?? DEFAULT_DEFINITION_QUOTAS.definitionBytes,
      codeBytes: quota.codeBytes ?? DEFAULT_DEFINITION_QUOTAS.codeBytes,
    };
  }

  get uses(): DefinitionUse[] {
    return [...new Set([...this.#registry.projects, ...this.#refused.keys()])].map((project) => this.of(project));
  }

  #within(store: KeyValue, usage: DefinitionUsage, ownerOf: OwnerOf): KeyValue {
    return {
      ...store,
      put: async (key, value, expected) => {
        const owner = ownerOf(key);
        if (owner === undefined) return await store.put(key, value, expected);
        const release = this.#admit(owner, { before: usage.chargeFor(key), after: chargeOf(key, value) });
        try {
          const revision = await store.put(key, value, expected);
          usage.applyChange({ key, value });
          return revision;
        } finally {
          release();
        }
      },
      delete: async (key, expected) => {
        await store.delete(key, expected);
        usage.applyChange({ key });
      },
    };
  }

  /** Throws `QuotaExceededError`. Nothing is reserved then. */
  #admit({ project, kind }: EntryOwner, { before, after }: { before: number | undefined; after: number }): () => void {
    const bytes = after - (before ?? 0);
    const isNew = before === undefined;
    if (bytes <= 0) return () => {};
    const adds = {
      bytes,
      functions: Number(isNew && kind === 'function'),
      schedules: Number(isNew && kind === 'schedule'),
    };
    const { used } = this.of(project);
    if (adds.functions > 0) this.#expectRoom(project, 'functions', used.functions + 1);
    if (adds.schedules > 0) this.#expectRoom(project, 'schedules', used.schedules + 1);
    this.#expectRoom(project, 'definitionBytes', used.bytes + bytes);
    return this.#reserve(project, adds);
  }

  #reserve(project: string, adds: Partial<DefinitionCounts & { code: number }>): () => void {
    const present = this.#inFlight.get(project) ?? { functions: 0, schedules: 0, bytes: 0, code: 0, changes: 0 };
    if (present.changes >= MAX_CHANGES_IN_FLIGHT) throw tooManyChanges(this.#nameOf(project));
    const { functions = 0, schedules = 0, bytes = 0, code = 0 } = adds;
    this.#inFlight.set(project, present);
    const add = (sign: 1 | -1): void => {
      present.functions += sign * functions;
      present.schedules += sign * schedules;
      present.bytes += sign * bytes;
      present.code += sign * code;
      present.changes += sign;
      if (present.changes === 0) this.#inFlight.delete(project);
    };
    add(1);
    return () => add(-1);
  }

  #expectRoom(project: string, quota: DefinitionQuota, wanted: number): void {
    const limit = this.#limitsOf(project)[quota];
    if (wanted <= limit) return;
    const refused = this.#refused.get(project) ?? {};
    this.#refused.set(project, { ...refused, [quota]: (refused[quota] ?? 0) + 1 });
    throw definitionsExceeded(this.#nameOf(project), { quota, limit, wanted });
  }

  #nameOf(project: string): string {
    return project === '' ? this.#ownProject : project;
  }
}

const WORDS: Readonly<Record<DefinitionQuota, { what: string; advice: string }>> = {
  functions: { what: 'functions', advice: 'delete a function' },
  schedules: { what: 'schedules', advice: 'delete a schedule' },
  definitionBytes: {
    what: 'bytes of definitions (functions with their versions, schedules, test events)',
    advice: 'delete versions or test events, or make the definition smaller',
  },
  codeBytes: { what: 'bytes of code packages', advice: 'delete functions or versions, whose packages are removed an hour later' },
};

function definitionsExceeded(project: string, { quota, limit, wanted }: { quota: DefinitionQuota; limit: number; wanted: number }) {
  const { what, advice } = WORDS[quota];
  const why = `project ${project} would have ${wanted} ${what}; its quota is ${limit}. Nothing was stored: ${advice}, or ask the operator for a larger quota`;
  return new QuotaExceededError({ quota, why });
}

function tooManyChanges(project: string): QuotaExceededError {
  const why = `project ${project} changes ${MAX_CHANGES_IN_FLIGHT} definitions at this moment. Nothing was stored: send the change again`;
  return new QuotaExceededError({ quota: 'definitionBytes', why, retryAfterInS: 1 });
}
