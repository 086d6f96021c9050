import { statusCodes } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { functionUrn, type Tenancy } from '#src/core/names/tenancy.ts';
import type { AcceptedRequest } from './event-log.ts';

/** What a subscriber or a target receives about an outcome: exactly the keys of the source document (SRC7, SRC8). */
export type Envelope = {
  timestamp: string;
  request_context: {
    request_id: string;
    function_urn: string;
    condition: string;
    approximate_invoke_count: number;
  };
  request_payload: string;
  response_context: { status_code: number; function_error: string };
  response_payload: string;
};

/**
 * The envelope of an invocation that has an outcome; derived from the log alone, so that repeating it gives the same text.
 *
 * Payloads that would make it larger than `maxBytes` are replaced by empty ones, the request's first.
 */
export function encodeEnvelope(
  tenancy: Tenancy,
  request: AcceptedRequest,
  invocation: Invocation,
  maxBytes = Number.POSITIVE_INFINITY,
): string {
  const text = encodeWhole(tenancy, request, invocation);
  // No character takes more than 3 bytes, so a short text needs no counting.
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text;
  const envelope = envelopeOf(tenancy, request, invocation);
  const withoutRequest = JSON.stringify({ ...envelope, request_payload: '' });
  if (Buffer.byteLength(withoutRequest) <= maxBytes) return withoutRequest;
  return JSON.stringify({ ...envelope, request_payload: '', response_payload: '' });
}

/** An outcome with destinations is encoded for them and for those who listen to results: once. */
function encodeWhole(tenancy: Tenancy, request: AcceptedRequest, invocation: Invocation): string {
  const { outcome } = invocation.context;
  const { envelopeCache: told } = request;
  if (told !== undefined && told.outcome === outcome && told.tenancy === tenancy) return told.text;
  const text = JSON.stringify(envelopeOf(tenancy, request, invocation));
  if (outcome?.destinations !== undefined) request.envelopeCache = { outcome, tenancy, text };
  return text;
}

/** Its URN says which version was executed; before any attempt, what was asked for. */
function envelopeOf(tenancy: Tenancy, request: AcceptedRequest, { context }: Invocation): Envelope {
  const { outcome, attempts } = context;
  const failed = outcome?.type === 'failed' ? outcome : undefined;
  const isObserved = tenancy.envelope === 'observed';
  const isUsersError = failed?.condition === 'UnhandledInvocationError';
  return {
    timestamp: new Date(request.fact.at).toISOString(),
    request_context: {
      request_id: request.fact.invocation,
      function_urn: functionUrn(tenancy, request.fact.function, context.terms?.version ?? request.fact.qualifier),
      condition: failed?.condition ?? '',
      approximate_invoke_count: isObserved ? Math.max(0, attempts - 1) : attempts,
    },
    request_payload: request.payload,
    response_context: {
      status_code: failed === undefined ? 200 : isObserved && isUsersError ? 500 : statusCodes[failed.condition],
      function_error: isObserved && isUsersError ? '' : (failed?.failure.message ?? ''),
    },
    response_payload: failed === undefined ? (outcome?.type === 'succeeded' ? outcome.payload : '') : errorPayload(failed.failure),
  };
}

/** The payload that FunctionGraph's runtimes return for an error. */
function errorPayload({
  errorType,
  message,
  stackTrace = [],
}: {
  errorType: string;
  message: string;
  stackTrace?: string[] | undefined;
}): string {
  return JSON.stringify({ errorMessage: message, errorType, stackTrace });
}
