import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { FunctionDefinition, RegisteredFunction } from '#src/core/functions/definition.ts';
import type { Call } from '../../../call.ts';
import type { Deployment, HandlerLayers } from './package-from.ts';

/** How a command stores the definitions that it names. */
export type StoreOptions = {
  /** The revision that the function must have. */
  expect?: number | undefined;
  /** Whether a definition replaces the present one as a whole. By default it changes the named fields. */
  isWhole?: boolean | undefined;
};

/** The layers that a flag names; without the flag, the layers of the present handler. Throws `InvalidInputError` for a layer that does not exist. */
export async function layersNamed(
  { functions, packages }: SequentClient,
  name: string,
  { references, present }: { references: readonly string[] | undefined; present: FunctionDefinition['handler'] | undefined },
): Promise<HandlerLayers> {
  const { projectOf } = await import('#src/core/names/addressable.ts');
  const owner = projectOf(name);
  const former = present?.kind === 'process' ? present.layers : undefined;
  const digests =
    references === undefined ? former : await Promise.all(references.map(async (one) => (await functions.layers.find(owner, one)).digest));
  if (digests === undefined) return {};
  return {
    digests,
    modules: async () => await (await import('#src/core/python/layer-modules.ts')).modulesOfLayers(packages, digests, owner),
  };
}

/** The definition of a function; `undefined` when there is none. */
export async function presentDefinition({ functions }: SequentClient, name: string): Promise<FunctionDefinition | undefined> {
  const { FunctionNotFoundError } = await import('#src/core/errors.ts');
  return await functions.get(name).then(
    ({ definition }) => definition,
    (error: unknown) => {
      if (error instanceof FunctionNotFoundError) return undefined;
      throw error;
    },
  );
}

/**
 * Changes the fields that each deployment names (FN2), and prints the result. All must be valid before the first one is stored.
 *
 * The pause of a function stays, unless a definition that replaces all fields names another.
 */
export async function storeFunctions(
  call: Call,
  client: SequentClient,
  deployments: readonly Deployment[],
  { expect, isWhole }: StoreOptions = {},
): Promise<void> {
  const { parseDefinition } = await import('#src/functions/definition-changes.ts');
  const { mergeDefinition } = await import('#src/core/functions/merge-definition.ts');
  const { projectOf } = await import('#src/core/names/addressable.ts');
  const change = (named: object) => (present: FunctionDefinition | undefined) =>
    present === undefined || isWhole === true ? mergeDefinition({}, named) : mergeDefinition(present, { ...named, paused: present.paused });
  const parsed = [];
  for (const { definition, archive } of deployments) {
    const { name } = parseDefinition({ handler: { kind: 'inline' }, name: (definition as { name?: unknown }).name });
    const present = await presentDefinition(client, name);
    parseDefinition(change(definition)(present));
    parsed.push({ definition, archive, name });
  }
  // Functions of one file may name each other.
  const known = parsed.map(({ name }) => name);
  for (const { definition, archive, name } of parsed) {
    if (archive !== undefined) await client.packages.put(archive, projectOf(name));
    const stored = await client.functions.change(name, change(definition), { expected: expect, known });
    print(call, stored);
    printPause(call, stored.definition, (definition as { paused?: unknown }).paused);
  }
}

/** Only `fn pause` and `fn resume` change the pause, so that a deployment between them does not. */
function printPause({ terminal, format }: Call, { name, paused }: FunctionDefinition, wanted: unknown): void {
  if (format !== 'table') return;
  if (paused) terminal.warn(say('{name} stays paused; to resume: sequent fn resume {name}', { name }));
  else if (wanted === true) terminal.warn(say('{name} is not paused by this command; to pause: sequent fn pause {name}', { name }));
}

function print({ terminal: { out }, format }: Call, { definition, revision }: RegisteredFunction): void {
  if (format === 'name') out.line(definition.name);
  else if (format === 'table') out.line(say('{name} is defined, revision {revision}', { name: definition.name, revision }));
  else out.line(JSON.stringify({ ...definition, revision }, null, format === 'json' ? 2 : 0));
}
