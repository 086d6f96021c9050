import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { InvalidInputError, InvalidPayloadError, messageOf } from '#src/core/errors.ts';
import { type DueOptions, deliverAtOf } from '#src/core/log/due-time.ts';
import type { Accepted, NewRequest } from '#src/core/log/event-log.ts';
import { canBeBrought, streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, isRequestId, parseQualifier, quote, type RequestId } from '#src/core/names/names.ts';
import { RequestBatches, type RequestBatchesOptions } from './request-batches.ts';

/** A request that the log has not accepted yet. */
export type Outgoing = {
  /** JSON text, or an empty text for the event `{}`. */
  payload: string;
  /** The caller's idempotency key. */
  id?: string | undefined;
  qualifier?: string | undefined;
  traceparent?: string | undefined;
  synchronous?: true | undefined;
  /** The batch that the request is a member of. */
  batch?: string | undefined;
} & DueOptions;

/** Appends requests to the log. */
export interface Requests {
  /** Resolves to the request's id when the request is durable. Throws `InvalidInputError`, or an error of `EventLog.accept`. */
  send(name: FunctionName, request: Outgoing): Promise<RequestId>;
  /**
   * Like `send`, but the requests of one turn of the event loop share messages, and no message waits for the answer to another one. A request
   * that is alone in its message keeps its id; another one gets an id of the message. `UnknownOutcomeError` names that id.
   */
  sendTogether(name: FunctionName, request: Outgoing & { id: string }): Promise<RequestId>;
  /**
   * Like `send`, for a request with an id. Reports whether the log accepted this id within the last two minutes, and at which sequence. The
   * request may repeat one of `sendTogether` whose outcome is unknown: `repeats` is the id of that one.
   */
  sendOnce(name: FunctionName, request: Outgoing & { id: string; repeats?: RequestId | undefined }): Promise<Accepted>;
}

export type RequestsOptions = RequestBatchesOptions & {
  /** Seals the payloads of encrypting projects, after their checks. */
  payloads?: PayloadSealer;
};

/**
 * Batches requests by group commit without a timer.
 *
 * 1. While a message of a function waits for its acknowledgement, further requests of the function queue up and share the next message.
 * 2. When idle, requests of the same turn of the event loop share a message; usually that is one request.
 * 3. A request with an id of the caller is sent alone, so that its id names its stream, unless it is sent by `sendTogether`.
 */
export function createRequests({ payloads, ...options }: RequestsOptions): Requests {
  const { log, clock } = options;
  const batches = new RequestBatches(options);

  function contentOf(name: FunctionName, { payload, id, qualifier, traceparent, synchronous, batch, at, delay }: Outgoing): NewRequest {
    const content: NewRequest = { payload: payloads?.seal(name, payload, id) ?? payload };
    if (qualifier !== undefined) content.qualifier = parseQualifier(qualifier);
    if (traceparent !== undefined) content.traceparent = traceparent;
    if (synchronous) content.synchronous = true;
    addBatch(content, batch);
    if (at === undefined && delay === undefined) return content;
    if (synchronous) throw new InvalidInputError({ field: 'a synchronous invocation', problem: 'cannot be delayed' });
    return { ...content, deliverAt: deliverAtOf({ at, delay }, clock.now()) };
  }

  return {
    async sendOnce(name, { id, repeats, ...outgoing }) {
      checkSize(outgoing.payload);
      const own = checkId(id);
      const request: NewRequest = { ...contentOf(name, { ...outgoing, id: own }), id: own, once: true };
      if (repeats !== undefined) request.repeats = repeats;
      return await log.accept({ function: name, stream: streamOf(own) }, [request]);
    },
    async sendTogether(name, { id, ...outgoing }) {
      const bytes = checkSize(outgoing.payload);
      return await batches.sendTogether(name, { request: contentOf(name, outgoing), bytes, id: checkId(id) });
    },
    async send(name, outgoing) {
      const bytes = checkSize(outgoing.payload);
      const request = contentOf(name, outgoing);
      if (outgoing.id === undefined) return await batches.send(name, { request, bytes });
      request.id = checkId(outgoing.id);
      await log.accept({ function: name, stream: streamOf(request.id) }, [request]);
      return request.id;
    },
  };
}

/** Encodes an event as JSON. `undefined` becomes an empty text. Throws `InvalidInputError` for a value that JSON cannot express. */
export function encodePayload(event: unknown): string {
  try {
    return JSON.stringify(event) ?? '';
  } catch (error) {
    throw new InvalidInputError({ field: 'the event', problem: `is not JSON: ${messageOf(error)}` }, { cause: error });
  }
}

/** Returns the text if it is JSON or empty. Throws `InvalidPayloadError` otherwise. */
export function checkJson(payload: string): string {
  if (payload === '') return payload;
  try {
    JSON.parse(payload);
    return payload;
  } catch (error) {
    throw new InvalidPayloadError({ why: messageOf(error) }, { cause: error });
  }
}

/** Returns the text if it is a valid payload. Throws `InvalidInputError` when it is too large, and `InvalidPayloadError` when it is not JSON. */
export function checkPayload(payload: string): string {
  checkSize(payload);
  return checkJson(payload);
}

function checkSize(payload: string): number {
  const bytes = Buffer.byteLength(payload);
  if (bytes <= MAX_PAYLOAD_BYTES) return bytes;
  throw new InvalidInputError({ field: 'the payload', problem: `has ${bytes} bytes; at most ${MAX_PAYLOAD_BYTES} are accepted` });
}

function addBatch(content: NewRequest, id: string | undefined): void {
  if (id === undefined) return;
  if (isRequestId(id)) {
    content.batch = id;
    return;
  }
  throw new InvalidInputError({ field: `batch ${quote(id)}`, problem: 'must be 1 to 64 letters, digits, "-" or "_"' });
}

function checkId(id: string): RequestId {
  if (canBeBrought(id)) return id;
  throw new InvalidInputError({
    field: `request id ${quote(id)}`,
    problem: 'must be 1 to 64 letters, digits, "-" or "_", and not of the form that Sequent makes itself',
  });
}
