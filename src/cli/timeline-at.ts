import { statusOf } from '#machines/invocation.ts';
import type { Timeline } from '#src/client/client.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import { plainOf, type State } from '#src/history/diff.ts';
import { type Place, stateOf, upTo } from '#src/history/history.ts';
import { namePlace } from './moment.ts';
import { CommandError, exitCodes } from './problem.ts';

/** A timeline as it was, with the state that the machine was in. */
export type TimelineAt = Timeline & { at: Place; context: State['context'] };

/** Cuts a timeline at a place. Throws `CommandError` when the invocation was not accepted by then. */
export function timelineAt(timeline: Timeline, at: Place): TimelineAt {
  const { envelope, ...past } = upTo(timeline, at);
  if (past.transitions.length === 0) {
    const cause = new InvocationNotFoundError({ id: timeline.requestId });
    const accepted = timeline.transitions[0];
    const why = `it was accepted at sequence ${accepted?.sequence}, at ${new Date(accepted?.fact.at ?? 0).toISOString()}`;
    const remedy = `sequent timeline ${timeline.requestId}`;
    throw new CommandError(
      { code: 'INVOCATION_NOT_FOUND', exitCode: exitCodes.notFound, what: `no such invocation yet at ${namePlace(at)}`, why, remedy },
      { cause },
    );
  }
  const state = stateOf(past);
  return {
    ...past,
    at,
    state: state.value,
    status: statusOf(state),
    attempts: state.context.attempts,
    context: plainOf(state).context,
    ...(state.context.outcome === null || envelope === undefined ? {} : { envelope }),
  };
}

/** The moment that a picture of it is drawn for: the last that was recorded by then, or the time that was asked for. */
export function drawnAt({ at, transitions }: TimelineAt): number {
  return 'at' in at ? at.at : (transitions.at(-1)?.fact.at ?? 0);
}
