import { stateOf } from '#src/analysis/history.ts';
import { HistoryUnavailableError, InvocationNotFoundError } from '#src/core/errors.ts';
import type { History } from '#src/core/history-questions.ts';
import { parseRequestId } from '#src/core/names/names.ts';
import { readTimeline, type Timeline, timelineOf } from './invocations.ts';

type Options = Parameters<typeof readTimeline>[1] & { history: History };

/** Reads one invocation from the log, or from a read model if the log was purged. Throws as {@link readTimeline} does. */
export async function readWholeTimeline(id: string, options: Options): Promise<Timeline> {
  try {
    return await readTimeline(id, options);
  } catch (error) {
    if (!(error instanceof InvocationNotFoundError)) throw error;
    return await readArchivedTimeline(id, options);
  }
}

/**
 * Reads an invocation from a read model, which stores the facts unchanged.
 *
 * Throws `InvocationNotFoundError` when no read model has the invocation, or no projection answers.
 */
async function readArchivedTimeline(id: string, { history, tenancy, functionName }: Options): Promise<Timeline> {
  const requestId = parseRequestId(id);
  const query = { id, ...(functionName === undefined ? {} : { function: functionName }) };
  const [archived, detail] = await Promise.all([history.ask('timeline', query), history.ask('get', query)]).catch((cause: unknown) => {
    throw cause instanceof HistoryUnavailableError ? new InvocationNotFoundError({ id }, { cause }) : cause;
  });
  const queued = archived.transitions[0]?.fact;
  if (queued?.type !== 'queued') throw new InvocationNotFoundError({ id });
  const transitions = archived.transitions.map(({ sequence, by, fact }) => ({ sequence, by, fact }));
  const request = { fact: queued, payload: detail.payload };
  return timelineOf({ requestId, request, invocation: stateOf({ transitions }), transitions, tenancy });
}
