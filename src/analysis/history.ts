import type { Fact, FactOf } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';

/** The facts of one invocation, each with its sequence and the process that appended it. */
export type History = {
  requestId: string;
  function: string;
  transitions: readonly { sequence: number; by: string; fact: Fact }[];
};

/** A transition with the states before and after it. */
export type Moment = History['transitions'][number] & { before: Invocation; after: Invocation };

/** The states at each transition. A fact that the machine refuses changes nothing. */
export function momentsOf({ transitions }: Pick<History, 'transitions'>): Moment[] {
  let before = invocationFolder.initial;
  return transitions.map((transition) => {
    const after = invocationFolder.step(before, transition.fact)?.snapshot ?? before;
    const moment = { ...transition, before, after };
    before = after;
    return moment;
  });
}

/** An earlier moment: a sequence of the log, or a time. */
export type AsOf = { sequence: number } | { at: number };

/** The history as of a moment. */
export function upTo<Known extends Pick<History, 'transitions'>>(history: Known, asOf: AsOf): Known {
  const isPast = ({ sequence, fact }: History['transitions'][number]): boolean =>
    'sequence' in asOf ? sequence <= asOf.sequence : fact.at <= asOf.at;
  return { ...history, transitions: history.transitions.filter(isPast) };
}

/** The last state of a history. */
export function stateOf(history: Pick<History, 'transitions'>): Invocation {
  return momentsOf(history).at(-1)?.after ?? invocationFolder.initial;
}

/** The accepted request; `undefined` when the history does not begin with one. */
export function requestIn({ transitions }: Pick<History, 'transitions'>): FactOf<'queued'> | undefined {
  const first = transitions[0]?.fact;
  return first?.type === 'queued' ? first : undefined;
}
