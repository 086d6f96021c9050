import { InvalidInputError } from '#src/core/errors.ts';
import type { Policy } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { SubjectRules } from '#src/core/names/addressable.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { DestinationQuestion } from '#src/core/ports/destination-check.ts';
import type { Changed } from './changes.ts';
import { findLoop, readTarget, targetsOf } from './loops.ts';

export type RefuseDestination = (question: DestinationQuestion) => Promise<string | undefined>;

type Options = { list: () => Promise<FunctionEntry[]>; subjects: SubjectRules; refuseDestination?: RefuseDestination };

/** What whoever changes a policy answers for. Each throws `InvalidInputError`. */
export function createPolicyCheck({ list, subjects, refuseDestination }: Options) {
  async function problemOf(destination: Policy['onSuccess'][number], name: string): Promise<string | undefined> {
    const target = destination.destination === 'FunctionGraph' ? readTarget(destination.param, name as FunctionName) : undefined;
    if (target instanceof Error) return target.message;
    // The rules need no connection, and hold when no destinations role answers.
    const subject = destination.destination === 'NATS' ? subjectIn(destination.param) : undefined;
    const refusal = subject === undefined ? undefined : subjects.refuse(subject, name);
    return refusal ?? (await refuseDestination?.({ ...destination, function: name }));
  }

  return {
    /** That every destination can be used, as far as can be told here (SRC5). */
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

/** The subject of a NATS destination; `undefined` for a `param` that the destinations role refuses anyway. */
function subjectIn(param: string): string | undefined {
  const { subject } = JSON.parse(param) as { subject?: unknown };
  return typeof subject === 'string' ? subject : undefined;
}
