import { isDeepStrictEqual } from 'node:util';
import type { Host } from '#src/cli/host.ts';
import { usageProblem } from '#src/cli/problem.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { FunctionNotFoundError, ScheduleNotFoundError } from '#src/core/errors.ts';
import { type FunctionDefinition, MASK } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { compactJson } from '#src/core/json/json-parts.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { Schedule, ScheduleInput } from '#src/core/schedules/schedule.ts';
import { storedCode } from './folder-code.ts';
import type { ReadFolder, ReadFunction, ReadSchedule } from './read-folder.ts';

/** What a step did. */
export type StepOutcome = 'created' | 'changed' | 'unchanged' | 'removed';
/** What a step is about: for programs, and in the words of the reader. */
type Subject = { subject: string; words: string };

const functionNamed = (name: string): Subject => ({ subject: `function ${name}`, words: say('function {name}', { name }) });
const scheduleNamed = (name: string): Subject => ({ subject: `schedule ${name}`, words: say('schedule {name}', { name }) });

/** One change of a deployment, which is stored as a whole or not at all. */
export type DeployStep = Subject & { run: (client: SequentClient) => Promise<StepOutcome> };

export type Removals = { functions: string[]; schedules: string[] };
type Options = { env: Host['env']; prunes: boolean };

/**
 * The steps of a deployment in their order: functions, then schedules, then what `--prune` removes. Each changes what the folder names and
 * keeps all else (FN2), and stores nothing when the server has it already, so that a repetition continues a deployment that failed.
 */
export function stepsOf(folder: ReadFolder, removals: Removals, options: Options): DeployStep[] {
  const known = folder.functions.map(({ name }) => name);
  return [
    ...folder.functions.map((one) => functionStep(one, { ...options, known })),
    ...folder.schedules.map(scheduleStep),
    ...removals.schedules.map(
      (name): DeployStep => ({
        ...scheduleNamed(name),
        run: async ({ schedules }) => {
          await schedules.delete(name);
          return 'removed';
        },
      }),
    ),
    ...removals.functions.map(
      (name): DeployStep => ({
        ...functionNamed(name),
        run: async ({ functions }) => {
          await functions.delete(name);
          return 'removed';
        },
      }),
    ),
  ];
}

/** The functions and schedules of the projects of a folder that the folder does not name. */
export async function removalsOf({ functions, schedules }: ReadFolder, client: SequentClient): Promise<Removals> {
  const named = { functions: new Set(functions.map(({ name }) => name)), schedules: new Set(schedules.map(({ name }) => name)) };
  const projects = new Set([...named.functions, ...named.schedules].map(projectOf));
  if (projects.size === 0)
    throw usageProblem('nothing was pruned', 'the folder names no function and no schedule', 'sequent fn rm, which names what it removes');
  const isOther = (name: string, own: ReadonlySet<string>): boolean => projects.has(projectOf(name)) && !own.has(name);
  const [entries, states] = await Promise.all([client.functions.list(), client.schedules.list(0)]);
  return {
    functions: entries.map(({ definition }) => definition.name).filter((name) => isOther(name, named.functions)),
    schedules: states.map(({ schedule }) => schedule.name).filter((name) => isOther(name, named.schedules)),
  };
}

function functionStep(read: ReadFunction, { env, prunes, known }: Options & { known: string[] }): DeployStep {
  const { name, fields, code, versionCode } = read;
  return {
    ...functionNamed(name),
    async run(client) {
      const present = await client.functions.get(name).catch(orUndefined(FunctionNotFoundError));
      const owner = projectOf(name);
      const { versions, aliases, secretUserData, ...definition } = fields;
      const ofCode = { present: present?.definition.handler, owner };
      const handler = code && (await storedCode(client, code, ofCode));
      const secrets = secretsFrom(secretUserData, { stored: present?.definition, env, at: `functions.${name}` });
      const named = { ...definition, ...(handler && { handler }), ...secrets };
      const namedVersions: Record<string, object> = {};
      for (const [version, own] of Object.entries(versions ?? {})) {
        const before = present?.versions.find((one) => one.version === version)?.definition;
        const packed = versionCode.get(version);
        const stored = packed && (await storedCode(client, packed, { present: before?.handler, owner }));
        const masked = own.secretUserData === undefined ? {} : { secretUserData: maskedSecrets(own.secretUserData as object) };
        namedVersions[version] = { ...own, ...(stored && { handler: stored }), ...masked };
      }
      const removesAliases = prunes && aliases !== undefined;
      const after = await client.functions.deploy(name, { definition: named, versions: namedVersions, aliases, removesAliases }, { known });
      return outcomeOf(present, after);
    },
  };
}

function outcomeOf(before: FunctionEntry | undefined, after: FunctionEntry): StepOutcome {
  if (before === undefined) return 'created';
  return before.revision === after.revision ? 'unchanged' : 'changed';
}

type SecretSource = { stored: FunctionDefinition | undefined; env: Host['env']; at: string };

/** A secret that the server has stays. A missing one comes from the environment of the deployment. */
function secretsFrom(secrets: ReadFunction['fields']['secretUserData'], { stored, env, at }: SecretSource): object {
  if (secrets === undefined || secrets === null) return secrets === undefined ? {} : { secretUserData: null };
  const values = Object.entries(secrets).map(([key, source]): [string, string | null] => {
    if (source === null || source === MASK || Object.hasOwn(stored?.secretUserData ?? {}, key)) return [key, source === null ? null : MASK];
    const variable = (source as { env: string }).env;
    const value = env[variable];
    if (value !== undefined) return [key, value];
    const why = `${at}.secretUserData.${key}: the server has no value, and the environment has no variable ${variable}`;
    throw usageProblem('a secret is missing', why, `${variable}=… sequent fn deploy <folder>`);
  });
  return { secretUserData: Object.fromEntries(values) };
}

/** A version takes the secrets of the function. */
function maskedSecrets(secrets: object): object {
  return Object.fromEntries(Object.entries(secrets).map(([key, source]) => [key, source === null ? null : MASK]));
}

function scheduleStep({ name, fields, event }: ReadSchedule): DeployStep {
  return {
    ...scheduleNamed(name),
    async run({ schedules }) {
      const found = await schedules.get(name, 0).catch(orUndefined(ScheduleNotFoundError));
      const present = found?.schedule;
      const wanted = { ...inputOf(present), ...withoutNulls(fields), ...(event === undefined ? {} : { event }), name };
      if (wanted.cron === undefined || wanted.function === undefined) {
        const why = `schedules.${name}: a new schedule needs cron and function`;
        throw usageProblem('a schedule is incomplete', why, '"cron": "0 3 * * *", "function": "report"');
      }
      if (present !== undefined && isDeepStrictEqual(comparable(wanted), comparable(inputOf(present)))) return 'unchanged';
      await schedules.put(wanted as ScheduleInput, found?.revision ?? 0);
      return present === undefined ? 'created' : 'changed';
    },
  };
}

/** The fields of a schedule that its owner writes. */
export function inputOf(schedule: Schedule | undefined): Partial<ScheduleInput> {
  if (schedule === undefined) return {};
  const { paused: _, createdAt: __, since: ___, ...input } = schedule;
  return input;
}

function comparable({ event, ...fields }: Partial<ScheduleInput>): object {
  return { ...fields, event: compactJson(event ?? '') };
}

/** A field that is `null` gets its default. */
function withoutNulls(fields: object): Partial<ScheduleInput> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, value ?? undefined]));
}

function orUndefined(kind: new (...facts: never[]) => Error): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof kind) return undefined;
    throw error;
  };
}
