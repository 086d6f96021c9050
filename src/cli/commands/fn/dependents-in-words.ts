import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { dependentDestinations, isRemoved, type Removal } from '#src/functions/dependents.ts';
import { labelOf } from '#src/functions/loops.ts';

type Registries = { functions: Pick<SequentClient['functions'], 'list'>; schedules: Pick<SequentClient['schedules'], 'list'> };

/** A line for everything that is removed with these functions, or that fails without them, except for schedules that are removed too. */
export async function dependentsInWords(
  { functions, schedules }: Registries,
  removals: readonly Removal[],
  removedSchedules: readonly string[] = [],
): Promise<string[]> {
  const [entries, states] = await Promise.all([functions.list(), schedules.list()]);
  const parts = entries
    .filter(({ definition: { name } }) => removals.some((removal) => removal.name === name && removal.qualifier === undefined))
    .map(({ definition: { name }, versions, aliases }) => ({
      name,
      names: [...versions.map(({ version }) => version), ...aliases.map((alias) => `!${alias.name}`)].join(', '),
    }));
  const callers = states
    .map(({ schedule: { name, function: fn, qualifier = LATEST } }) => ({ schedule: name, name: fn, qualifier }))
    .filter((address) => isRemoved(address, removals) && !removedSchedules.includes(address.schedule));
  const lines = [
    ...parts.filter(({ names }) => names !== '').map((part) => say('{name}: its versions and aliases are removed with it: {names}', part)),
    ...dependentDestinations(entries, removals).map((edge) =>
      edge.on === 'success'
        ? say('{from} notifies {to} on success; those deliveries will fail', edge)
        : say('{from} notifies {to} on failure; those deliveries will fail', edge),
    ),
    ...callers.map(({ schedule, name, qualifier }) =>
      say('the schedule {schedule} invokes {to}; its invocations will fail', {
        schedule,
        to: labelOf({ name: name as FunctionName, qualifier }),
      }),
    ),
  ];
  // Destinations of one function that differ in their conditions make the same line.
  return [...new Set(lines)];
}
