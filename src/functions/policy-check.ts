import { FunctionNotFoundError, InvalidInputError, type NameOf } from '#src/core/errors.ts';
import { destinationsSchema, type Policy } from '#src/core/functions/definition.ts';
import { type FunctionEntry, parseInput, resolveFunction } from '#src/core/functions/entry.ts';
import type { SubjectRules } from '#src/core/names/addressable.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { FunctionReference } from '#src/core/names/urn.ts';
import type { DestinationQuestion } from '#src/core/ports/questions/destination-check.ts';
import type { Changed } from './changes.ts';
import { findLoop, labelOf, readTarget, targetsOf } from './loops.ts';

/**
 * The functions that destinations may name although they do not exist yet, because they are defined together. `undefined`: any function, for
 * an application that defines its functions in any order, and for the vendor's API, whose clients do. There a missing function is a warning:
 * of `startWorker`, of `sequent dev`, in a header of the answer, and of the doctor (SRC5).
 */
export type KnownTargets = readonly string[] | undefined;
type Problem = string | ((nameOf: NameOf) => string);

export type RefuseDestination = (question: DestinationQuestion) => Promise<string | undefined>;

type Options = { list: () => Promise<FunctionEntry[]>; subjects: SubjectRules; refuseDestination?: RefuseDestination };

/** The checks of a changed policy. Each check throws `InvalidInputError`. */
export function createPolicyCheck({ list, subjects, refuseDestination }: Options) {
  async function problemOf(destination: Policy['onSuccess'][number], name: string, known: KnownTargets): Promise<Problem | undefined> {
    const target = destination.destination === 'FunctionGraph' ? readTarget(destination.param, name as FunctionName) : undefined;
    if (target instanceof Error) return target.message;
    const missing = await missingTarget(target, known && [name, ...known]);
    if (missing !== undefined) return missing;
    // The rules of subjects need no connection, so they apply also when no destinations role answers.
    const subject = destination.destination === 'NATS' ? subjectIn(destination.param) : undefined;
    const refusal = subject === undefined ? undefined : subjects.refuse(subject, name);
    return refusal ?? (await refuseDestination?.({ destination: destination.destination, param: destination.param, function: name }));
  }

  /** Why the function of a destination cannot be invoked; `undefined` when it exists, or will. */
  async function missingTarget(target: FunctionReference | undefined, known: KnownTargets): Promise<Problem | undefined> {
    if (target === undefined || known === undefined || known.includes(target.name)) return undefined;
    const entry = (await list()).find(({ definition }) => definition.name === target.name);
    if (entry !== undefined && resolveFunction(entry, target.qualifier, '') !== undefined) return undefined;
    const { name, qualifier } = target;
    const missing = new FunctionNotFoundError({ name, ...(entry === undefined ? {} : { qualifier }) });
    return (nameOf) => `${missing.messageFor(nameOf)}; define it first`;
  }

  async function each(field: string, destinations: Policy['onSuccess'], name: string, known?: KnownTargets): Promise<void> {
    for (const [index, destination] of destinations.entries()) {
      const problem = await problemOf(destination, name, known);
      if (problem === undefined) continue;
      const text = (nameOf: NameOf): string => `cannot be used: ${typeof problem === 'string' ? problem : problem(nameOf)}`;
      throw new InvalidInputError({ field: `${field}[${index}]`, problem: text });
    }
  }

  return {
    /** Parses and checks destinations that belong to no policy. */
    async unnamed(field: string, destinations: unknown, name: string): Promise<Policy['onSuccess']> {
      const parsed = parseInput(destinationsSchema, destinations, field);
      await each(field, parsed, name);
      return parsed;
    },

    /** Checks that every destination can be used, as far as this process knows (SRC5). */
    async destinations({ onSuccess, onFailure }: Policy, name: string, known?: KnownTargets): Promise<void> {
      await each('policy.onSuccess', onSuccess, name, known);
      await each('policy.onFailure', onFailure, name, known);
    },

    /** Checks that a version or a `!alias` closes no loop (L1). */
    async loops(entry: Changed, qualifier: string): Promise<void> {
      if (targetsOf(entry, qualifier).length === 0) return;
      const loop = findLoop({ entry, qualifier }, await list());
      if (loop === undefined) return;
      const pathFor = (nameOf: NameOf) => loop.map((address) => labelOf(address, nameOf)).join(' → ');
      const problem = (nameOf: NameOf) =>
        `close a loop: ${pathFor(nameOf)}; break it, or set policy.allowCycle (it is then cut at run time)`;
      throw new InvalidInputError({ field: 'the destinations', problem });
    },
  };
}

/** The part of a policy that is checked when it changes, as text. */
export function destinationsIn(policy: Policy | undefined): string {
  return JSON.stringify(policy === undefined ? [] : [policy.onSuccess, policy.onFailure, policy.allowCycle]);
}

/** The subject of a NATS destination; `undefined` for a `param` that the destinations role refuses. */
function subjectIn(param: string): string | undefined {
  const { subject } = JSON.parse(param) as { subject?: unknown };
  return typeof subject === 'string' ? subject : undefined;
}
