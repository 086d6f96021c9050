import type { Fact } from '#machines/facts.ts';
import type { Timeline } from '#src/client/client.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import type { InvocationSummary } from '#src/core/history-questions.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { whenCaughtUp } from '../caught-up.ts';
import type { Gateway } from '../ports.ts';
import { withoutZone } from './times.ts';

/** An invocation as the vendor's lists show it; when it was accepted, in milliseconds, is for the filters. */
export type InvocationRecord = {
  request_id: string;
  status: string;
  error_message: string;
  error_code: number;
  /** When it was accepted. */
  start_time: string;
  /** Empty while it is not over: clients expect a text. */
  end_time: string;
  acceptedAt: number;
};

export function recordOfSummary({ id, status, error, errorCode, acceptedAt, endedAt }: InvocationSummary): InvocationRecord {
  const isError = status === 'FAIL' || status === 'DISCARD';
  return {
    request_id: id,
    status,
    // The read model shows the type of the error before its message.
    error_message: isError ? (error ?? '').replace(/^[^:]*: /, '') : '',
    error_code: isError ? (errorCode ?? 0) : 0,
    start_time: withoutZone(acceptedAt),
    end_time: endedAt === null ? '' : withoutZone(endedAt),
    acceptedAt,
  };
}

/**
 * One invocation of the function: as the log has it, so that it is there at once; what left the log, as the read model has it.
 * Throws `HistoryUnavailableError` when the log does not know it and nobody remembers more.
 */
export async function findRecord(gateway: Gateway, name: FunctionName, id: string): Promise<InvocationRecord | undefined> {
  const { client } = gateway;
  try {
    return recordOfTimeline(await client.timeline(id, { function: name }));
  } catch (error) {
    if (!(error instanceof InvocationNotFoundError)) throw error;
  }
  // It may have been accepted so lately that only the log itself holds it.
  await whenCaughtUp(gateway);
  try {
    return recordOfSummary(await client.history.get(id, { function: name }));
  } catch (error) {
    if (error instanceof InvocationNotFoundError) return undefined;
    throw error;
  }
}

function recordOfTimeline({ requestId, status, transitions }: Timeline): InvocationRecord {
  const facts = transitions.map(({ fact }) => fact);
  const acceptedAt = facts[0]?.at ?? 0;
  const outcome = facts.find(
    (fact): fact is Extract<Fact, { type: 'succeeded' | 'failed' }> => fact.type === 'succeeded' || fact.type === 'failed',
  );
  const failure = outcome?.type === 'failed' ? outcome.failure : undefined;
  return {
    request_id: requestId,
    status,
    error_message: failure?.message ?? '',
    error_code: failure?.code ?? 0,
    start_time: withoutZone(acceptedAt),
    end_time: outcome === undefined ? '' : withoutZone(outcome.at),
    acceptedAt,
  };
}
