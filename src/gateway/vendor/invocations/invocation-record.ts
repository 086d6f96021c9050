import { isOutcome } from '#machines/facts.ts';
import type { Timeline } from '#src/client/client.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import type { InvocationSummary } from '#src/core/history-questions.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Gateway } from '../../ports.ts';
import { withoutZone } from '../times.ts';

/** An invocation in the shape of the vendor's lists. `acceptedAt`, in milliseconds, serves the filters and is not sent. */
export type InvocationRecord = {
  request_id: string;
  status: string;
  error_message: string;
  error_code: number;
  /** The time of acceptance. */
  start_time: string;
  /** Empty before the outcome, because clients expect a string. */
  end_time: string;
  acceptedAt: number;
};

export function recordOfSummary({ id, status, error, errorType, errorCode, acceptedAt, endedAt }: InvocationSummary): InvocationRecord {
  const isError = status === 'FAIL' || status === 'DISCARD';
  return {
    request_id: id,
    status,
    // `error` is `<type>: <message>`; the vendor's field contains the message.
    error_message: isError ? (error ?? '').slice(errorType == null ? 0 : `${errorType}: `.length) : '',
    error_code: isError ? (errorCode ?? 0) : 0,
    start_time: withoutZone(acceptedAt),
    end_time: endedAt === null ? '' : withoutZone(endedAt),
    acceptedAt,
  };
}

/**
 * One invocation of the function. The log is read first, so a new invocation is found at once; the read model also has the invocations
 * that retention removed from the log. Throws `HistoryUnavailableError` if the log lacks the invocation and no projection runs.
 */
export async function findRecord(gateway: Gateway, name: FunctionName, id: string): Promise<InvocationRecord | undefined> {
  const { client } = gateway;
  const known = await client.timeline(id, { function: name }).catch(fallback(undefined, InvocationNotFoundError));
  if (known !== undefined) return recordOfTimeline(known);
  // The invocation may be so new that neither its timeline nor the read model contains it yet.
  const atLeast = await client.lastSequence();
  const stored = client.history.get(id, { function: name }, { atLeast });
  return await stored.then(recordOfSummary, fallback(undefined, InvocationNotFoundError));
}

function recordOfTimeline({ requestId, status, transitions }: Timeline): InvocationRecord {
  const facts = transitions.map(({ fact }) => fact);
  const acceptedAt = facts[0]?.at ?? 0;
  const outcome = facts.find(isOutcome);
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
