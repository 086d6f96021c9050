import { ConflictError, FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import {
  type FunctionDefinition,
  functionDefinitionSchema,
  LATEST,
  type Policy,
  type PolicyInput,
  type RegisteredFunction,
} from '#src/core/functions/definition.ts';
import {
  type AliasInput,
  decodeEntry,
  encodeEntry,
  type FunctionAlias,
  type FunctionEntry,
  type FunctionVersion,
  parseInput,
  resolveFunction,
  withoutSecrets,
} from '#src/core/functions/entry.ts';
import { createHandlerRules, type Grants, type HandlerRefusal } from '#src/core/functions/handler-rules.ts';
import { type FunctionName, parseFunctionName, parseQualifier } from '#src/core/names/names.ts';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import {
  type Changed,
  type PublishOptions,
  withAlias,
  withoutAlias,
  withoutVersion,
  withPolicy,
  withSecrets,
  withVersion,
} from './changes.ts';
import { createPolicyCheck, destinationsIn, type RefuseDestination } from './policy-check.ts';

/**
 * Which functions there are, with their versions and aliases, and how each is configured.
 *
 * A function is one entry, changed as a whole by its revision: two who change it at one moment lose nothing of each other's.
 * Secret user data are shown to nobody.
 * A handler that the project may not name is refused with `InvalidInputError` (U1).
 * Whatever names a destination throws `InvalidInputError` when that cannot be used (SRC5) or closes a loop (L1), with its path.
 */
export interface FunctionRegistry {
  /**
   * Stores the definition of `latest`; versions and aliases stay.
   *
   * Throws `InvalidInputError`, naming the field, when it is not valid, and `ConflictError` when `expected` is not the revision
   * any more.
   */
  put(definition: unknown, expected?: number): Promise<FunctionEntry>;
  /** Throws `FunctionNotFoundError`. */
  get(name: string): Promise<FunctionEntry>;
  /** What a version or a `!alias` runs; of an alias with weights, the version that gets the rest. Throws `FunctionNotFoundError`. */
  find(name: string, qualifier?: string): Promise<RegisteredFunction>;
  list(): Promise<FunctionEntry[]>;
  /**
   * Deletes the function with its versions and aliases. Throws `FunctionNotFoundError`. What is queued for it then fails with the
   * condition `FunctionNotFound`.
   */
  delete(name: string): Promise<void>;
  /** Makes a version of what `latest` is now. Throws `FunctionNotFoundError`, `InvalidInputError`, `VersionRefusedError`. */
  publish(name: string, options?: PublishOptions): Promise<FunctionVersion>;
  /** Throws `FunctionNotFoundError`, and `VersionRefusedError` while an alias can stand for it. */
  deleteVersion(name: string, version: string): Promise<void>;
  /** Makes or moves an alias. Throws `FunctionNotFoundError`, `InvalidInputError`, `VersionRefusedError`. */
  putAlias(name: string, alias: AliasInput): Promise<FunctionAlias>;
  /** Throws `FunctionNotFoundError`. */
  deleteAlias(name: string, alias: string): Promise<void>;
  /**
   * Changes the policy of a version or a `!alias` from what it is at that moment. An alias has none of its own unless it gets one,
   * and `undefined` takes it away. Throws `FunctionNotFoundError` and `InvalidInputError`.
   */
  changePolicy(name: string, qualifier: string, change: (policy: Policy) => PolicyInput | undefined): Promise<FunctionEntry>;
}

export type RegistryOptions = {
  /** Why a destination cannot be used, as far as can be told here: a missing connection, a lacking permission. */
  refuseDestination?: RefuseDestination;
  /** What other projects may name beyond the defaults. */
  grants?: Grants | undefined;
  clock?: Pick<Clock, 'now'>;
};

/** How often a change is made again of what somebody else made of the function meanwhile. */
const TRIES = 8;

type Change = (present: FunctionEntry | undefined) => Changed | Promise<Changed>;

export function createFunctionRegistry(
  store: KeyValue,
  { refuseDestination, grants, clock = systemClock }: RegistryOptions = {},
): FunctionRegistry {
  async function read(name: FunctionName): Promise<FunctionEntry | undefined> {
    const entry = await store.get(name);
    return entry === undefined ? undefined : decodeEntry(entry.value, entry.revision);
  }
  async function get(name: string): Promise<FunctionEntry> {
    const found = await read(parseFunctionName(name));
    if (found === undefined) throw new FunctionNotFoundError({ name });
    return withoutSecrets(found);
  }
  async function list(): Promise<FunctionEntry[]> {
    // An entry that somebody wrote by hand and that cannot be read is nobody's function; `sequent doctor` names it.
    const found = await Promise.all((await store.keys()).map((key) => read(key as FunctionName).catch(() => undefined)));
    return found.filter((entry) => entry !== undefined).map(withoutSecrets);
  }

  const rules = createHandlerRules(grants);
  const check = createPolicyCheck({ list, subjects: rules.subjects, ...(refuseDestination === undefined ? {} : { refuseDestination }) });

  /** Makes a change of what the function is, again if somebody else was faster. What does not change anything is not stored. */
  async function modify(name: FunctionName, change: Change, expected?: number): Promise<FunctionEntry> {
    for (let tries = 1; ; tries++) {
      const stored = await tryToModify(name, change, expected).catch((error: unknown) => {
        if (!(error instanceof ConflictError) || expected !== undefined || tries === TRIES) throw error;
      });
      if (stored !== undefined) return withoutSecrets(stored);
    }
  }
  async function tryToModify(name: FunctionName, change: Change, expected: number | undefined): Promise<FunctionEntry> {
    const present = await read(name);
    const revision = present?.revision ?? 0;
    const next = await change(present);
    const value = encodeEntry(next);
    // The same definition keeps its revision, so that deploying again changes nothing for anybody.
    if (present !== undefined && expected === undefined && value === encodeEntry(present)) return present;
    if (expected !== undefined && revision !== expected) throw new ConflictError({ what: `function "${name}"` });
    return { ...next, revision: await store.put(name, value, revision), version: LATEST };
  }
  async function modifyPresent(name: string, change: (present: FunctionEntry) => Changed | Promise<Changed>): Promise<FunctionEntry> {
    const parsed = parseFunctionName(name);
    return await modify(parsed, (present) => {
      if (present === undefined) throw new FunctionNotFoundError({ name });
      return change(present);
    });
  }

  return {
    get,
    list,
    async find(name, qualifier = LATEST) {
      const found = resolveFunction(await get(name), parseQualifier(qualifier), '');
      if (found === undefined) throw new FunctionNotFoundError({ name, qualifier });
      return found;
    },
    async put(input, expected) {
      const definition = parseDefinition(input);
      const name = parseFunctionName(definition.name);
      const change: Change = async (present) => {
        const next = { versions: [], aliases: [], ...present, definition: withSecrets(definition, present?.definition) };
        if (JSON.stringify(present?.definition.handler) !== JSON.stringify(definition.handler)) expectUsable(rules.refuse(definition));
        // Whoever pauses a function, or changes anything but its destinations, does not answer for them.
        if (present === undefined || destinationsIn(present.definition.policy) !== destinationsIn(definition.policy)) {
          await check.destinations(definition.policy, name);
          await check.loops(next, LATEST);
        }
        return next;
      };
      return await modify(name, change, expected);
    },
    async delete(name) {
      await get(name);
      await store.delete(name);
    },
    async publish(name, options = {}) {
      let published: FunctionVersion | undefined;
      await modifyPresent(name, async (present) => {
        const [next, version] = withVersion(present, options, clock.now());
        await check.loops(next, version.version);
        published = version;
        return next;
      });
      return published as FunctionVersion;
    },
    async deleteVersion(name, version) {
      await modifyPresent(name, (present) => withoutVersion(present, version));
    },
    async putAlias(name, alias) {
      let changed: FunctionAlias | undefined;
      await modifyPresent(name, async (present) => {
        const [next, stored] = withAlias(present, alias, clock.now());
        if (alias.policy !== undefined && stored.policy !== undefined) await check.destinations(stored.policy, next.definition.name);
        await check.loops(next, `!${stored.name}`);
        changed = stored;
        return next;
      });
      return changed as FunctionAlias;
    },
    async deleteAlias(name, alias) {
      await modifyPresent(name, (present) => withoutAlias(present, alias));
    },
    async changePolicy(name, qualifier, change) {
      return await modifyPresent(name, async (present) => {
        const { next, before, after } = withPolicy(present, parseQualifier(qualifier), change);
        if (destinationsIn(before) !== destinationsIn(after)) {
          if (after !== undefined) await check.destinations(after, next.definition.name);
          await check.loops(next, qualifier);
        }
        return next;
      });
    },
  };
}

/** Throws `InvalidInputError` that names the field. */
export function parseDefinition(input: unknown): FunctionDefinition {
  return parseInput(functionDefinitionSchema, input, 'the function definition');
}

function expectUsable(refusal: HandlerRefusal | undefined): void {
  if (refusal !== undefined) throw new InvalidInputError({ field: refusal.field, problem: `cannot be used: ${refusal.problem}` });
}
