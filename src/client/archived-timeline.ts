import { stateOf } from '#src/analysis/history.ts';
import { HistoryUnavailableError, InvocationNotFoundError } from '#src/core/errors.ts';
import type { History } from '#src/core/history-questions.ts';
import { parseRequestId } from '#src/core/names/names.ts';
import { describe, readTimeline, type Timeline } from './invocations.ts';

type Options = Parameters<typeof readTimeline>[1] & { history: History };

/** Reads one invocation from the log, or from a read model when it was purged from the log. Throws like {@link readTimeline}. */
export async function readWholeTimeline(id: string, options: Options): Promise<Timeline> {
  try {
    return await readTimeline(id, options);
  } catch (error) {
    if (!(error instanceof InvocationNotFoundError)) throw error;
    return await readArchivedTimeline(id, options);
  }
}

/**
 * Tells an invocation that was purged from the log: a read model has its facts word for word.
 *
 * Throws `InvocationNotFoundError` when no read model knows it either, or none can be asked.
 */
async function readArchivedTimeline(id: string, { history, tenancy, functionName }: Options): Promise<Timeline> {
  const requestId = parseRequestId(id);
  const query = { id, ...(functionName === undefined ? {} : { function: functionName }) };
  const [told, detail] = await Promise.all([history.ask('timeline', query), history.ask('get', query)]).catch((cause: unknown) => {
    throw cause instanceof HistoryUnavailableError ? new InvocationNotFoundError({ id }, { cause }) : cause;
  });
  const born = told.transitions[0]?.fact;
  if (born?.type !== 'queued') throw new InvocationNotFoundError({ id });
  const transitions = told.transitions.map(({ sequence, by, fact }) => ({ sequence, by, fact }));
  const request = { fact: born, payload: detail.payload };
  return describe({ requestId, request, invocation: stateOf({ transitions }), transitions, tenancy });
}
