import { type FactOf, type Failure, type Outcome, statusCodes } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { NOT_ENCRYPTED } from '#src/core/encryption/sealed-text.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { functionUrn, type Tenancy } from '#src/core/names/tenancy.ts';
import { isReference } from '#src/core/payloads/payload-reference.ts';
import { mayHaveEndedWithoutItem } from '#src/core/stream/ended-without-item.ts';
import type { AcceptedRequest, StreamName } from './event-log.ts';
import type { Results } from './results.ts';

/** The JSON that subscribers and targets receive for an outcome: exactly the keys of the source document (SRC7, SRC8). */
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
 * Encodes the envelope of an invocation with an outcome. It depends on the log alone, so every call returns the same text.
 *
 * When the text is larger than `maxBytes`, the request payload becomes empty, then the response payload.
 */
export function encodeEnvelope(
  tenancy: Tenancy,
  request: AcceptedRequest,
  invocation: Invocation,
  maxBytes = Number.POSITIVE_INFINITY,
): string {
  const text = encodeWhole(tenancy, request, invocation);
  // A UTF-16 code unit takes at most 3 bytes, so a short text needs no counting.
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text;
  const envelope = envelopeOf(tenancy, request, invocation);
  const withoutRequest = JSON.stringify({ ...envelope, request_payload: '' });
  if (Buffer.byteLength(withoutRequest) <= maxBytes) return withoutRequest;
  return JSON.stringify({ ...envelope, request_payload: '', response_payload: '' });
}

/** An outcome of the log, with everything that its result consists of. */
export type ResultOf = { name: StreamName; request: AcceptedRequest; invocation: Invocation; outcome: Outcome };

export type ResultPorts = { results: Results; tenancy: Tenancy };

/** Publishes the result of an outcome that no other process can have published. */
export function publishResultOf(of: ResultOf, ports: ResultPorts): Promise<void> {
  return publish(of, ports.results, encodeResult(of, ports));
}

/**
 * How long after its outcome a result may still be on its way, in ms. The run that appended the outcome publishes the result directly
 * afterwards, which takes longer while the leader of RESULTS changes.
 */
const MAY_COME_FOR_MS = 1_500;

/** Publishes the result of an outcome, unless it is stored. Waits for the result of a young outcome whose process publishes it (PUB6). */
export async function publishUnlessStored(of: ResultOf, ports: ResultPorts): Promise<void> {
  const envelope = encodeResult(of, ports);
  const mayComeUntil = mayHaveEndedWithoutItem(of.outcome) ? undefined : of.outcome.at + MAY_COME_FOR_MS;
  const sought = { type: of.outcome.type, at: of.outcome.at, envelope, mayComeUntil };
  if (!(await ports.results.isStored(of.name, idOf(of), sought))) await publish(of, ports.results, envelope);
}

function publish(of: ResultOf, results: Results, envelope: string): Promise<void> {
  return results.publish(of.name, idOf(of), of.outcome.type, envelope);
}

function encodeResult({ request, invocation }: ResultOf, { results, tenancy }: ResultPorts): string {
  return encodeEnvelope(tenancy, request, invocation, results.maxBytes);
}

function idOf({ request }: ResultOf): RequestId {
  return request.fact.invocation as RequestId;
}

/** The result and all deliveries of an outcome share one text. An outcome without destinations is encoded once, and is not kept. */
const envelopeCache = new WeakMap<Outcome, { tenancy: Tenancy; text: string }>();

function encodeWhole(tenancy: Tenancy, request: AcceptedRequest, invocation: Invocation): string {
  const { outcome } = invocation.context;
  if (outcome?.destinations === undefined) return JSON.stringify(envelopeOf(tenancy, request, invocation));
  const cached = envelopeCache.get(outcome);
  if (cached?.tenancy === tenancy) return cached.text;
  const text = JSON.stringify(envelopeOf(tenancy, request, invocation));
  envelopeCache.set(outcome, { tenancy, text });
  return text;
}

/** The URN names the executed version. Before any attempt, it names the qualifier of the request. */
function envelopeOf(tenancy: Tenancy, request: AcceptedRequest, { context }: Invocation): Envelope {
  const { outcome, attempts } = context;
  const failed = outcome?.type === 'failed' ? outcome : undefined;
  const isObserved = tenancy.envelope === 'observed';
  return {
    timestamp: new Date(request.fact.at).toISOString(),
    request_context: {
      request_id: request.fact.invocation,
      function_urn: functionUrn(tenancy, request.fact.function, context.terms?.version ?? request.fact.qualifier),
      condition: failed?.condition ?? '',
      approximate_invoke_count: isObserved ? Math.max(0, attempts - 1) : attempts,
    },
    request_payload: requestPayloadOf(request, failed),
    response_context: failed === undefined ? { status_code: 200, function_error: '' } : errorContext(failed, isObserved),
    response_payload: outcome === null ? '' : responsePayloadOf(outcome),
  };
}

/** Empty for a large payload, and for a plain text that its project encrypts, which goes no further than the request (ENC6). */
function requestPayloadOf({ payload }: AcceptedRequest, failed: FactOf<'failed'> | undefined): string {
  const isRefused = failed?.condition === 'InvalidRequest' && failed.failure.message.startsWith(NOT_ENCRYPTED);
  return isRefused || isReference(payload) ? '' : payload;
}

/** `isObserved` as `Tenancy.envelope` describes it. */
function errorContext({ condition, failure }: FactOf<'failed'>, isObserved: boolean): Envelope['response_context'] {
  if (isObserved && condition === 'UnhandledInvocationError') return { status_code: 500, function_error: '' };
  return { status_code: statusCodes[condition], function_error: failure.message };
}

/** The `response_payload` of an outcome: the returned value, or the error. Envelopes and the history show the same text. */
export function responsePayloadOf(outcome: Outcome): string {
  return outcome.type === 'succeeded' ? outcome.payload : errorPayload(outcome.failure);
}

/** The payload that FunctionGraph's runtimes return for an error, also for an invocation that never ran. */
function errorPayload({ errorType, message, stackTrace = [] }: Failure): string {
  return JSON.stringify({ errorMessage: message, errorType, stackTrace });
}
