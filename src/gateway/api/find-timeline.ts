import type { Timeline } from '#src/client/client.ts';
import { timelineUpTo } from '#src/client/timeline-at.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import type { Moment } from '#src/core/history-questions.ts';
import type { Gateway } from '../ports.ts';
import type { Scope } from '../scope.ts';

/** The pauses before each further look-up. Their sum is short, because a search for a word that could be an id waits for it. */
const PAUSES_IN_MS = [50, 100, 200];

/**
 * The timeline of an invocation that the caller may see. The scheduler may not have read a new invocation yet, so an unknown id is looked
 * up several times. Throws `InvocationNotFoundError`.
 */
export async function findTimeline(gateway: Gateway, scope: Scope, id: string): Promise<Timeline> {
  let found = await lookUp(gateway, id);
  // An invocation of another project takes as long as an unknown one, so the time does not reveal that the id exists.
  for (const pauseInMs of PAUSES_IN_MS) {
    if (found !== undefined && scope.owns(found.function)) return found;
    await gateway.clock.sleep(pauseInMs);
    found = await lookUp(gateway, id);
  }
  if (found !== undefined && scope.owns(found.function)) return found;
  throw new InvocationNotFoundError({ id });
}

/** The timeline as of an earlier moment of the log. Throws `InvocationNotFoundError` if the invocation was accepted later. */
export async function timelineAt({ client }: Gateway, timeline: Timeline, moment: Moment): Promise<Timeline> {
  const { requestId: id, function: name } = timeline;
  // A time is converted by the read model, which stores the time of each message.
  const recorded = 'sequence' in moment ? undefined : await client.history.timeline(id, { function: name, moment });
  const asOf = 'sequence' in moment ? moment : { sequence: recorded?.transitions.at(-1)?.sequence ?? 0 };
  const past = timelineUpTo(timeline, asOf);
  if (past === undefined) throw new InvocationNotFoundError({ id });
  return past.timeline;
}

async function lookUp({ client }: Gateway, id: string): Promise<Timeline | undefined> {
  try {
    return await client.timeline(id);
  } catch (error) {
    if (error instanceof InvocationNotFoundError) return undefined;
    throw error;
  }
}
