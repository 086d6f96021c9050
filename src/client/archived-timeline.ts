import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import type { Place } from '#src/core/envelope.ts';
import { HistoryUnavailableError, InvocationNotFoundError } from '#src/core/errors.ts';
import type { History } from '#src/core/history.ts';
import { parseRequestId } from '#src/core/names.ts';
import { describe, type Timeline } from './invocations.ts';

type Options = { history: History; place: Place; functionName?: string | undefined };

/**
 * Tells an invocation that was purged from the log: a read model has its facts word for word.
 *
 * Throws `InvocationNotFoundError` when no read model knows it either, or none can be asked.
 */
export async function readArchivedTimeline(id: string, { history, place, functionName }: Options): Promise<Timeline> {
  const requestId = parseRequestId(id);
  const query = { id, ...(functionName === undefined ? {} : { function: functionName }) };
  const [told, detail] = await Promise.all([history.ask('timeline', query), history.ask('get', query)]).catch((cause: unknown) => {
    throw cause instanceof HistoryUnavailableError ? new InvocationNotFoundError({ id }, { cause }) : cause;
  });
  const born = told.transitions[0]?.fact;
  if (born?.type !== 'queued') throw new InvocationNotFoundError({ id });
  let invocation: Invocation = invocationFolder.initial;
  for (const { fact } of told.transitions) invocation = invocationFolder.step(invocation, fact)?.snapshot ?? invocation;
  const transitions = told.transitions.map(({ sequence, by, fact }) => ({ sequence, by, fact }));
  return describe({ requestId, request: { fact: born, payload: detail.payload }, invocation, transitions, place });
}
