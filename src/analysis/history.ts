import type { Fact, FactOf } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';

/** What the log says about one invocation: every fact, where it stands, and who appended it. */
export type History = {
  requestId: string;
  function: string;
  transitions: readonly { sequence: number; by: string; fact: Fact }[];
};

/** A transition with the states around it. */
export type Moment = History['transitions'][number] & { before: Invocation; after: Invocation };

/** The state at each event. A fact that the machine refuses changes nothing. */
export function momentsOf({ transitions }: Pick<History, 'transitions'>): Moment[] {
  let before = invocationFolder.initial;
  return transitions.map((transition) => {
    const after = invocationFolder.step(before, transition.fact)?.snapshot ?? before;
    const moment = { ...transition, before, after };
    before = after;
    return moment;
  });
}

/** A place in the log, or a time. */
export type AsOf = { sequence: number } | { at: number };

/** The history as it was: what was recorded up to a place. */
export function upTo<Known extends Pick<History, 'transitions'>>(history: Known, asOf: AsOf): Known {
  const isPast = ({ sequence, fact }: History['transitions'][number]): boolean =>
    'sequence' in asOf ? sequence <= asOf.sequence : fact.at <= asOf.at;
  return { ...history, transitions: history.transitions.filter(isPast) };
}

/** The state that a history ends in. */
export function stateOf(history: Pick<History, 'transitions'>): Invocation {
  return momentsOf(history).at(-1)?.after ?? invocationFolder.initial;
}

/** The acceptance: a history without one tells nothing. */
export function requestIn({ transitions }: Pick<History, 'transitions'>): FactOf<'queued'> | undefined {
  const first = transitions[0]?.fact;
  return first?.type === 'queued' ? first : undefined;
}
