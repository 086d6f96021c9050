import type { Surroundings } from '#src/analysis/queue-waits.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import type { SequentClient, SystemState } from './client.ts';

type Readers = { functions: Pick<SequentClient['functions'], 'get'>; system: SequentClient['system'] };

/** The present state of a function and of the roles that run it. Changes nothing. Takes half a second, as `system` does. */
export async function readSurroundings({ functions, system }: Readers, name: string): Promise<Surroundings> {
  const [definition, state] = await Promise.all([readDefinition(functions, name), system()]);
  return surroundingsOf(state, name, definition);
}

/** The part of a system's state that concerns one function. */
export function surroundingsOf(
  { consumers, instances }: Pick<SystemState, 'consumers' | 'instances'>,
  name: string,
  definition: Surroundings['definition'],
): Surroundings {
  const working = instances.filter(({ takesWork = true }) => takesWork);
  return {
    name,
    definition,
    queue: consumers.find((consumer) => consumer.name === `fn-${name}`),
    workers: working.filter(({ roles }) => roles.includes('worker')).length,
    roles: [...new Set(working.flatMap(({ roles }) => roles))],
  };
}

/** The definition; `undefined` when the function does not exist. */
export async function readDefinition(functions: Readers['functions'], name: string): Promise<Surroundings['definition']> {
  try {
    return (await functions.get(name)).definition;
  } catch (error) {
    if (error instanceof FunctionNotFoundError) return undefined;
    throw error;
  }
}
