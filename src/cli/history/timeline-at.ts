import { plainOf, type State } from '#src/analysis/diff.ts';
import type { AsOf } from '#src/analysis/history.ts';
import type { Timeline } from '#src/client/client.ts';
import { timelineUpTo } from '#src/client/history/timeline-at.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import { nameAsOf } from '../arguments/moment.ts';
import { CommandError, exitCodes } from '../problem.ts';

/** A timeline as of an earlier moment, with the state of the machine then. */
export type TimelineAt = Timeline & { at: AsOf; context: State['context'] };

/** Cuts a timeline at a moment. Throws `CommandError` when the invocation was not accepted by then. */
export function timelineAt(timeline: Timeline, at: AsOf): TimelineAt {
  const past = timelineUpTo(timeline, at);
  if (past !== undefined) return { ...past.timeline, at, context: plainOf(past.state).context };
  const cause = new InvocationNotFoundError({ id: timeline.requestId });
  const accepted = timeline.transitions[0];
  const why = `it was accepted at sequence ${accepted?.sequence}, at ${new Date(accepted?.fact.at ?? 0).toISOString()}`;
  const remedy = `sequent timeline ${timeline.requestId}`;
  throw new CommandError(
    { code: 'INVOCATION_NOT_FOUND', exitCode: exitCodes.notFound, what: `no such invocation yet at ${nameAsOf(at)}`, why, remedy },
    { cause },
  );
}

/** The moment for which a timeline is drawn: the requested time, or the time of the last fact up to the requested sequence. */
export function drawnAt({ at, transitions }: TimelineAt): number {
  return 'at' in at ? at.at : (transitions.at(-1)?.fact.at ?? 0);
}
