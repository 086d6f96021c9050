import type { SecretSealer } from '#src/core/encryption/secret-sealer.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import { configuredDefinitionSchema, type FunctionDefinition, LATEST } from '#src/core/functions/definition.ts';
import { type FunctionEntry, parseInput, withoutSecrets } from '#src/core/functions/entry.ts';
import type { HandlerRefusal, HandlerRules } from '#src/core/functions/handler-rules.ts';
import { mergeDefinition } from '#src/core/functions/merge-definition.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { CodePackages } from '#src/core/ports/stores/code-packages.ts';
import { type Changed, withSecrets } from './changes.ts';
import type { Change, EntryStore } from './entry-store.ts';
import { type ChangedPart, type NamedParts, withNamedAliases, withNamedVersions } from './named-parts.ts';
import { type createPolicyCheck, destinationsIn, type KnownTargets } from './policy-check.ts';

/* The changes of the definition of a function, with the checks of their changed parts. */

/** Makes a definition of the present one, with masked secrets; of `undefined` when the function does not exist. */
export type ChangeDefinition = (present: FunctionDefinition | undefined) => object | Promise<object>;

export type ChangeOptions = {
  /** The revision that the function must have. */
  expected?: number | undefined;
  /** When given, a destination must name a function that exists, or one of these (SRC5). */
  known?: KnownTargets;
};

type ChangeFunction = (name: string, change: ChangeDefinition, options?: ChangeOptions) => Promise<FunctionEntry>;
type DeployFunction = (name: string, parts: NamedParts, options?: Pick<ChangeOptions, 'known'>) => Promise<FunctionEntry>;

/** Throws `InvalidInputError` with the name of the field. */
export function parseDefinition(input: unknown): FunctionDefinition {
  return parseInput(configuredDefinitionSchema, input, 'the function definition');
}

type Checks = {
  sealer: SecretSealer | undefined;
  packages: Pick<CodePackages, 'has'> | undefined;
  rules: HandlerRules;
  check: ReturnType<typeof createPolicyCheck>;
};

/** Stores the definition that a function makes of the present one. */
export function changer(entries: EntryStore, checks: Checks): ChangeFunction {
  return async (name, change, { expected, known } = {}) => {
    const token = parseFunctionName(name);
    const changeOnce: Change = async (present) => {
      const before = present && withoutSecrets(present).definition;
      const { paused = before?.paused ?? false, ...changed } = (await change(before)) as { paused?: unknown };
      return await replaceDefinition(parseDefinition({ ...changed, paused, name: token }), present, { ...checks, known });
    };
    return withoutSecrets(await entries.modify(token, changeOnce, expected));
  };
}

/** Stores the named parts of a function, its versions and its aliases as one change. */
export function deployer(entries: EntryStore, { clock, ...checks }: Checks & { clock: Pick<Clock, 'now'> }): DeployFunction {
  return async (name, parts, { known } = {}) => {
    const token = parseFunctionName(name);
    const deployOnce: Change = async (present) => {
      const before = present && withoutSecrets(present).definition;
      const merged = mergeDefinition(before ?? {}, parts.definition);
      const definition = parseDefinition({ ...merged, paused: before?.paused ?? false, name: token });
      const options = { now: clock.now(), sealer: checks.sealer };
      const first = await replaceDefinition(definition, present, { ...checks, known });
      const [second, versions] = await withNamedVersions(first, parts.versions ?? {}, options);
      const [next, aliases] = withNamedAliases(second, parts, options.now);
      for (const part of [...versions, ...aliases]) await expectUsablePart(part, next, { ...checks, known });
      return next;
    };
    return withoutSecrets(await entries.modify(token, deployOnce));
  };
}

/** The checks of a version or an alias that changed. */
async function expectUsablePart(
  { qualifier, policy, definition }: ChangedPart,
  next: Changed,
  { rules, check, packages, known }: Checks & { known: KnownTargets },
): Promise<void> {
  if (definition !== undefined) {
    expectUsable(rules.refuse(definition));
    expectUsable(await refusePackage(definition, packages));
  }
  if (policy !== undefined) await check.destinations(policy, next.definition.name, known);
  await check.loops(next, qualifier);
}

/** Replaces the definition of `latest`, after the checks of its changed parts. */
async function replaceDefinition(
  definition: FunctionDefinition,
  present: FunctionEntry | undefined,
  { rules, check, packages, sealer, known }: Checks & { known: KnownTargets },
): Promise<Changed> {
  const { name, handler, policy } = definition;
  const complete = withSecrets(definition, present?.definition);
  const sealed = (await sealer?.seal(complete, present?.definition)) ?? complete;
  const next = { versions: [], aliases: [], ...present, definition: sealed };
  if (JSON.stringify(present?.definition.handler) !== JSON.stringify(handler)) {
    expectUsable(rules.refuse(definition));
    expectUsable(await refusePackage(definition, packages));
  }
  // Destinations are checked only when they change, so a function can be paused whatever its destinations are.
  if (present === undefined || destinationsIn(present.definition.policy) !== destinationsIn(policy)) {
    await check.destinations(policy, name, known);
    await check.loops(next, LATEST);
  }
  return next;
}

/** The refusal does not say whether another project has the package. */
async function refusePackage({ name, handler }: FunctionDefinition, packages: Checks['packages']): Promise<HandlerRefusal | undefined> {
  if (handler.kind !== 'process' || handler.package === undefined || packages === undefined) return undefined;
  const problem = 'the project of the function uploaded no package with this digest; upload the package first';
  for (const layer of handler.layers ?? []) if (!(await packages.has(layer, projectOf(name)))) return { field: 'handler.layers', problem };
  return (await packages.has(handler.package, projectOf(name))) ? undefined : { field: 'handler.package', problem };
}

function expectUsable(refusal: HandlerRefusal | undefined): void {
  if (refusal !== undefined) throw new InvalidInputError({ field: refusal.field, problem: `cannot be used: ${refusal.problem}` });
}
