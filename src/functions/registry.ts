import type { SecretSealer } from '#src/core/encryption/secret-sealer.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import { LATEST, type Policy, type PolicyInput, type RegisteredFunction } from '#src/core/functions/definition.ts';
import {
  type AliasInput,
  type CanaryDecision,
  type FunctionAlias,
  type FunctionEntry,
  type FunctionVersion,
  resolveFunction,
  withoutSecrets,
} from '#src/core/functions/entry.ts';
import { createHandlerRules, type Grants } from '#src/core/functions/handler-rules.ts';
import { parseFunctionName, parseQualifier } from '#src/core/names/names.ts';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import type { CodePackages } from '#src/core/ports/stores/code-packages.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import {
  type Changed,
  type PublishOptions,
  withAlias,
  withDecision,
  withoutAlias,
  withoutVersion,
  withPolicy,
  withVersion,
} from './changes.ts';
import { type ChangeDefinition, type ChangeOptions, changer, deployer, parseDefinition } from './definition-changes.ts';
import { EntryStore, type FunctionPage } from './entry-store.ts';
import { createLayers, type Layers } from './layers.ts';
import type { NamedParts } from './named-parts.ts';
import { createPolicyCheck, destinationsIn, type KnownTargets, type RefuseDestination } from './policy-check.ts';
import { createTestEvents, deleteTestEvents, type TestEvents } from './test-events.ts';

/**
 * The functions with their configurations, versions and aliases.
 *
 * 1. A function is one entry, which is changed as a whole by its revision. Concurrent changes therefore lose nothing.
 * 2. No method returns secret user data.
 * 3. A handler that the project may not name is refused with `InvalidInputError` (U1).
 * 4. A package that the project did not upload is refused, too.
 * 5. A destination that cannot be used (SRC5) or that closes a loop (L1) is refused with `InvalidInputError`, which shows the path.
 */
export interface FunctionRegistry {
  /**
   * Stores the definition of `latest`. Versions and aliases stay. A definition without `paused` keeps the pause (FN2).
   *
   * Throws `InvalidInputError` with the field when the definition is invalid, and `ConflictError` when `expected` is not the present
   * revision.
   */
  put(definition: unknown, expected?: number): Promise<FunctionEntry>;
  /**
   * Stores the definition that `change` makes of the present one. After a concurrent change of the function, `change` decides again. A
   * result without `paused` keeps the pause (FN2).
   *
   * Throws like `put`, and rethrows an error of `change`.
   */
  change(name: string, change: ChangeDefinition, options?: ChangeOptions): Promise<FunctionEntry>;
  /**
   * Stores the named parts of a function, its versions and its aliases as one change, and keeps all others (FN2). A function that has them
   * already is not stored again. After a concurrent change of the function, the parts are applied to that one.
   *
   * Throws like `put`, `publish` and `putAlias`.
   */
  deploy(name: string, parts: NamedParts, options?: Pick<ChangeOptions, 'known'>): Promise<FunctionEntry>;
  /** Throws `FunctionNotFoundError`. */
  get(name: string): Promise<FunctionEntry>;
  /** The function behind a version or a `!alias`. An alias with weights resolves to its main version. Throws `FunctionNotFoundError`. */
  find(name: string, qualifier?: string): Promise<RegisteredFunction>;
  list(): Promise<FunctionEntry[]>;
  /** A page of the functions, by name. */
  page(page: FunctionPage): Promise<{ entries: FunctionEntry[]; hasMore: boolean }>;
  /**
   * Deletes the function with its versions and aliases. Its queued invocations fail with the condition `FunctionNotFound`.
   *
   * Throws `FunctionNotFoundError`, and `ConflictError` when `expected` is not the present revision.
   */
  delete(name: string, expected?: number): Promise<void>;
  /** Publishes the present `latest` as a version. Throws `FunctionNotFoundError`, `InvalidInputError`, `VersionRefusedError`. */
  publish(name: string, options?: PublishOptions): Promise<FunctionVersion>;
  /** Throws `FunctionNotFoundError`, and `VersionRefusedError` while an alias refers to the version. */
  deleteVersion(name: string, version: string): Promise<void>;
  /** Seals the secret user data that is stored as it is. Changes nothing without a sealer. Throws `FunctionNotFoundError`. */
  sealStored(name: string): Promise<void>;
  /** Parses destinations of outcomes that belong to no policy, and checks them as those of one. Throws `InvalidInputError` with the field. */
  checkDestinations(name: string, destinations: unknown, field: string): Promise<Policy['onSuccess']>;
  /**
   * Creates or moves an alias. Throws `FunctionNotFoundError`, `InvalidInputError`, `VersionRefusedError`, and `ConflictError` when `expected`
   * is not the present revision of the function.
   */
  putAlias(name: string, alias: AliasInput, expected?: number): Promise<FunctionAlias>;
  /**
   * Changes the aliases as `change` decides from the present function. After a concurrent change of the function, `change` decides again.
   *
   * Throws like `putAlias`, and rethrows an error of `change`.
   */
  changeAlias(name: string, change: (present: FunctionEntry) => AliasInput, known?: KnownTargets): Promise<FunctionAlias>;
  /**
   * Ends an automatic canary as Sequent decided, and records the decision in the alias, as one change. Resolves to the alias, or to
   * `undefined` when another process decided before, or a person changed the alias: the decision does not apply any more.
   *
   * Throws `FunctionNotFoundError`, and `VersionRefusedError` when another alias has the promoted version.
   */
  decideCanary(name: string, alias: string, decision: Omit<CanaryDecision, 'at'>): Promise<FunctionAlias | undefined>;
  /** Throws `FunctionNotFoundError`. */
  deleteAlias(name: string, alias: string): Promise<void>;
  /**
   * Changes the present policy of a version or a `!alias`. `undefined` removes the own policy of an alias.
   *
   * Throws `FunctionNotFoundError` and `InvalidInputError`, and `ConflictError` when `expected` is not the present revision.
   */
  changePolicy(
    name: string,
    qualifier: string,
    change: (policy: Policy) => PolicyInput | undefined,
    options?: ChangeOptions,
  ): Promise<FunctionEntry>;
  /** The saved events with which people try the functions. */
  readonly testEvents: TestEvents;
  /** The uploaded dependencies of functions. */
  readonly layers: Layers;
}

export type RegistryOptions = {
  /** Why a destination cannot be used, as far as this process knows: a missing connection or permission. */
  refuseDestination?: RefuseDestination;
  /** What other projects may name in addition to the defaults. */
  grants?: Grants | undefined;
  clock?: Pick<Clock, 'now'>;
  /** Where the packages are. Without it, a package is checked at the first attempt only. */
  packages?: Pick<CodePackages, 'has'>;
  /** Encrypts new secret user data. Without it, the data is stored as it is until a process with the key finds it. */
  sealer?: SecretSealer | undefined;
};

export function createFunctionRegistry(
  store: KeyValue,
  { refuseDestination, grants, clock = systemClock, packages, sealer }: RegistryOptions = {},
): FunctionRegistry {
  const entries = new EntryStore(store);
  const list = async (): Promise<FunctionEntry[]> => (await entries.list()).map(withoutSecrets);
  const rules = createHandlerRules(grants);
  const check = createPolicyCheck({ list, subjects: rules.subjects, ...(refuseDestination === undefined ? {} : { refuseDestination }) });

  async function get(name: string): Promise<FunctionEntry> {
    const entry = await entries.read(parseFunctionName(name));
    if (entry === undefined) throw new FunctionNotFoundError({ name });
    return withoutSecrets(entry);
  }

  type ChangeAlias = (present: FunctionEntry) => AliasInput;

  async function changeAlias(name: string, change: ChangeAlias, { expected, known }: ChangeOptions = {}): Promise<FunctionAlias> {
    let changed: FunctionAlias | undefined;
    const changeOnce = async (present: FunctionEntry): Promise<Changed> => {
      const alias = change(withoutSecrets(present));
      const [next, stored] = withAlias(present, alias, clock.now());
      if (alias.policy !== undefined && stored.policy !== undefined) await check.destinations(stored.policy, next.definition.name, known);
      await check.loops(next, `!${stored.name}`);
      changed = stored;
      return next;
    };
    await entries.modifyPresent(name, changeOnce, expected);
    return changed as FunctionAlias;
  }

  const changeDefinition = changer(entries, { rules, check, packages, sealer });

  return {
    get,
    list,
    async page(page) {
      const { entries: found, hasMore } = await entries.page(page);
      return { entries: found.map(withoutSecrets), hasMore };
    },
    changeAlias: (name, change, known) => changeAlias(name, change, { known }),
    testEvents: createTestEvents(store, clock),
    layers: createLayers(store, clock),
    async find(name, qualifier = LATEST) {
      const resolved = resolveFunction(await get(name), parseQualifier(qualifier), '');
      if (resolved === undefined) throw new FunctionNotFoundError({ name, qualifier });
      return resolved;
    },
    async put(input, expected) {
      const { name } = parseDefinition(input);
      return await changeDefinition(name, () => input as object, { expected });
    },
    change: changeDefinition,
    deploy: deployer(entries, { rules, check, packages, sealer, clock }),
    checkDestinations: (name, destinations, field) => check.unnamed(field, destinations, parseFunctionName(name)),
    async sealStored(name) {
      if (sealer !== undefined) await entries.modifyPresent(name, (present) => withSealedSecrets(present, sealer));
    },
    async delete(name, expected) {
      const token = parseFunctionName(name);
      await entries.delete(token, expected);
      await deleteTestEvents(store, token);
    },
    publish: async (name, options = {}) => await publish({ entries, check, clock }, name, options),
    deleteVersion: async (name, version) => void (await entries.modifyPresent(name, (present) => withoutVersion(present, version))),
    putAlias: (name, alias, expected) => changeAlias(name, () => alias, { expected }),
    decideCanary: async (name, alias, decision) => await decideCanary(entries, { name, alias, decision, now: clock.now() }),
    async deleteAlias(name, alias) {
      await entries.modifyPresent(name, (present) => withoutAlias(present, alias));
    },
    async changePolicy(name, qualifier, change, { expected, known } = {}) {
      const changeOnce = async (present: FunctionEntry): Promise<Changed> => {
        const { next, before, after } = withPolicy(present, parseQualifier(qualifier), change);
        if (destinationsIn(before) !== destinationsIn(after)) {
          if (after !== undefined) await check.destinations(after, next.definition.name, known);
          await check.loops(next, qualifier);
        }
        return next;
      };
      return withoutSecrets(await entries.modifyPresent(name, changeOnce, expected));
    },
  };
}

type Deciding = { name: string; alias: string; decision: Omit<CanaryDecision, 'at'>; now: number };

async function decideCanary(entries: EntryStore, { name, alias, decision, now }: Deciding): Promise<FunctionAlias | undefined> {
  let before: FunctionEntry | undefined;
  const after = await entries.modifyPresent(name, (present) => {
    before = present;
    return withDecision(present, alias, decision, now);
  });
  return after.revision === before?.revision ? undefined : after.aliases.find((one) => one.name === alias);
}

type Publishing = { entries: EntryStore; check: ReturnType<typeof createPolicyCheck>; clock: Pick<Clock, 'now'> };

async function publish({ entries, check, clock }: Publishing, name: string, options: PublishOptions): Promise<FunctionVersion> {
  let published: FunctionVersion | undefined;
  await entries.modifyPresent(name, async (present) => {
    const [next, version] = withVersion(present, options, clock.now());
    await check.loops(next, version.version);
    published = version;
    return next;
  });
  return published as FunctionVersion;
}

async function withSealedSecrets(present: FunctionEntry, sealer: SecretSealer): Promise<Changed> {
  return {
    ...present,
    definition: await sealer.sealStored(present.definition),
    versions: await Promise.all(present.versions.map(async (one) => ({ ...one, definition: await sealer.sealStored(one.definition) }))),
  };
}
