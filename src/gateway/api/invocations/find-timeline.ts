import type { Timeline } from '#src/client/client.ts';
import { timelineUpTo } from '#src/client/history/timeline-at.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import type { Moment } from '#src/core/history-questions.ts';
import { lookUpAgain } from '#src/core/time/look-up-again.ts';
import type { Gateway } from '../../ports.ts';
import type { Scope } from '../../scope.ts';

/** An id, and the name by which the caller knows its function. */
type Named = { id: string; function?: string | undefined };
type Owner = { function?: string; project?: string };

/** The pauses before each further look-up. Their sum is short, because a search for a word that could be an id waits for it. */
const PAUSES_IN_MS = [50, 100, 200];

/**
 * The timeline of an invocation that the caller may see. The scheduler may not have read a new invocation yet, so an unknown id is looked
 * up several times. `@40`, and `40` if no invocation has this id, name the invocation of a message of the log. Throws `InvocationNotFoundError`, and `AmbiguousIdError` with the caller's functions of this id.
 */
export async function findTimeline(gateway: Gateway, scope: Scope, { id, function: name }: Named): Promise<Timeline> {
  if (/^@\d{1,15}$/.test(id)) return await timelineAtSequence(gateway, scope, { id, sequence: Number(id.slice(1)) });
  // The project of the caller is part of every look-up (ID1), so an invocation of another project is an unknown one.
  const owner = { ...scope.filter, ...(name === undefined ? {} : { function: scope.token(name) }) };
  const found = await lookUpAgain(() => lookUp(gateway, id, owner), { clock: gateway.clock, pausesInMs: PAUSES_IN_MS });
  if (found !== undefined) return found;
  if (/^\d{1,15}$/.test(id)) return await timelineAtSequence(gateway, scope, { id, sequence: Number(id) });
  throw new InvocationNotFoundError({ id });
}

/** The timeline of the invocation that a message of the log is about. A batch has several invocations, and no answer. */
async function timelineAtSequence(gateway: Gateway, scope: Scope, { id, sequence }: { id: string; sequence: number }): Promise<Timeline> {
  const [only, ...others] = (await gateway.client.invocationsAt(sequence)).filter((one) => scope.owns(one.function));
  const found = only === undefined || others.length > 0 ? undefined : await lookUp(gateway, only.requestId, { function: only.function });
  if (found !== undefined) return found;
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

async function lookUp({ client }: Gateway, id: string, owner: Owner): Promise<Timeline | undefined> {
  return await client.timeline(id, owner).catch(fallback(undefined, InvocationNotFoundError));
}
