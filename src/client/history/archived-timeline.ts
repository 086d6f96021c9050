import { stateOf } from '#src/analysis/history.ts';
import { HistoryUnavailableError, InvocationNotFoundError } from '#src/core/errors.ts';
import type { History } from '#src/core/history-questions.ts';
import { parseRequestId } from '#src/core/names/names.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import { findStream } from './find-stream.ts';
import { readStreamTimeline, type Timeline, type TimelineOptions, timelineOf } from './invocations.ts';

type Options = TimelineOptions & { history: History };

/**
 * Reads one invocation from the log, or from a read model if the log was purged. Throws as `readTimeline` does, and
 * `HistoryUnavailableError` when a projection runs and does not answer.
 */
export async function readWholeTimeline(id: string, options: Options): Promise<Timeline> {
  const name = await findStream(id, options, options);
  try {
    return await readStreamTimeline(id, name, options);
  } catch (error) {
    const isSilent = error instanceof NoAnswerError;
    if (!isSilent && !(error instanceof InvocationNotFoundError)) throw error;
    return await readArchivedTimeline(id, { ...options, function: name.function }).catch((cause: unknown) => {
      // A read model may lag, so only the scheduler can say that the log has no such request (A1).
      throw isSilent ? error : cause;
    });
  }
}

/**
 * Reads an invocation from a read model, which stores the facts unchanged.
 *
 * Throws `InvocationNotFoundError` when no read model has the invocation, or no projection runs, and `HistoryUnavailableError` when one runs
 * and does not answer (A1).
 */
async function readArchivedTimeline(id: string, { history, tenancy, function: name }: Options & { function: string }): Promise<Timeline> {
  const requestId = parseRequestId(id);
  const query = { id, function: name };
  const [archived, detail] = await Promise.all([history.ask('timeline', query), history.ask('get', query)]).catch((cause: unknown) => {
    throw cause instanceof HistoryUnavailableError && cause.isAbsent ? new InvocationNotFoundError({ id }, { cause }) : cause;
  });
  const queued = archived.transitions[0]?.fact;
  if (queued?.type !== 'queued') throw new InvocationNotFoundError({ id });
  const transitions = archived.transitions.map(({ sequence, by, fact }) => ({ sequence, by, fact }));
  const request = { fact: queued, payload: detail.payload };
  return timelineOf({ requestId, request, invocation: stateOf({ transitions }), transitions, tenancy });
}
