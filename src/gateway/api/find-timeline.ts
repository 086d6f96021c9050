import type { Timeline } from '#src/client/client.ts';
import { timelineUpTo } from '#src/client/timeline-at.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import type { Moment } from '#src/core/history-questions.ts';
import type { Gateway } from '../ports.ts';
import type { Scope } from '../scope.ts';

/** Before it is looked for again. Short in all: whoever searches by a word that could be an id waits for it. */
const PAUSES_IN_MS = [50, 100, 200];

/**
 * The timeline of an invocation that the caller may see. What was accepted a moment ago the scheduler may not have read yet, so what is
 * not found is looked for again for a while. Throws `InvocationNotFoundError`.
 */
export async function findTimeline(gateway: Gateway, scope: Scope, id: string): Promise<Timeline> {
  let found = await look(gateway, id);
  // Somebody else's takes as long as one that does not exist.
  for (const pauseInMs of PAUSES_IN_MS) {
    if (found !== undefined && scope.owns(found.function)) return found;
    await gateway.clock.sleep(pauseInMs);
    found = await look(gateway, id);
  }
  if (found !== undefined && scope.owns(found.function)) return found;
  throw new InvocationNotFoundError({ id });
}

/** The same as it was at an earlier moment of the log. Throws `InvocationNotFoundError` when it was not accepted by then. */
export async function timelineAt({ client }: Gateway, timeline: Timeline, moment: Moment): Promise<Timeline> {
  const { requestId: id, function: name } = timeline;
  // When a message came to the log, only the read model knows.
  const told = 'sequence' in moment ? undefined : await client.history.timeline(id, { function: name, moment });
  const place = 'sequence' in moment ? moment : { sequence: told?.transitions.at(-1)?.sequence ?? 0 };
  const past = timelineUpTo(timeline, place);
  if (past === undefined) throw new InvocationNotFoundError({ id });
  return past.timeline;
}

async function look({ client }: Gateway, id: string): Promise<Timeline | undefined> {
  try {
    return await client.timeline(id);
  } catch (error) {
    if (error instanceof InvocationNotFoundError) return undefined;
    throw error;
  }
}
