import { InvalidInputError } from '#src/core/errors.ts';
import type { Policy } from '#src/core/function-definition.ts';
import type { FunctionEntry } from '#src/core/function-entry.ts';
import type { FunctionName } from '#src/core/names.ts';
import type { Changed } from './changes.ts';
import { findLoop, readTarget, targetsOf } from './loops.ts';

export type RefuseDestination = (destination: { destination: string; param: string }) => Promise<string | undefined>;

type Options = { list: () => Promise<FunctionEntry[]>; refuseDestination?: RefuseDestination };

/** What whoever changes a policy answers for. Each throws `InvalidInputError`. */
export function createPolicyCheck({ list, refuseDestination }: Options) {
  async function problemOf(destination: Policy['onSuccess'][number], name: string): Promise<string | undefined> {
    const target = destination.destination === 'FunctionGraph' ? readTarget(destination.param, name as FunctionName) : undefined;
    return target instanceof Error ? target.message : await refuseDestination?.(destination);
  }

  return {
    /** That every destination can be used, as far as can be told here (S5). */
    async destinations({ onSuccess, onFailure }: Policy, name: string): Promise<void> {
      for (const [outcome, destinations] of Object.entries({ onSuccess, onFailure })) {
        for (const [place, destination] of destinations.entries()) {
          const problem = await problemOf(destination, name);
          if (problem === undefined) continue;
          throw new InvalidInputError({ field: `policy.${outcome}[${place}]`, problem: `cannot be used: ${problem}` });
        }
      }
    },

    /** That a version, or a `!alias`, closes no loop (L1). */
    async loops(entry: Changed, qualifier: string): Promise<void> {
      if (targetsOf(entry, qualifier).length === 0) return;
      const loop = findLoop({ entry, qualifier }, await list());
      if (loop === undefined) return;
      const problem = `close a loop: ${loop.join(' → ')}; break it, or set policy.allowCycle (it is then cut when running)`;
      throw new InvalidInputError({ field: 'the destinations', problem });
    },
  };
}

/** What of a policy is answered for when it changes. */
export function destinationsIn(policy: Policy | undefined): string {
  return JSON.stringify(policy === undefined ? [] : [policy.onSuccess, policy.onFailure, policy.allowCycle]);
}
