import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { InvalidInputError, InvalidPayloadError, messageOf, PayloadTooLargeError } from '#src/core/errors.ts';
import { FLOW_KEY_FORM, isFlowKey } from '#src/core/functions/flow.ts';
import { isPriority, PRIORITY_FORM } from '#src/core/functions/priority.ts';
import { checkLongJson, LONG_JSON } from '#src/core/json/check-json.ts';
import type { Accepted, NewRequest } from '#src/core/log/event-log.ts';
import { type DueOptions, deliverAtOf } from '#src/core/log/requests/due-time.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { canBeBrought, createStreamId, streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, isRequestId, parseQualifier, quote, type RequestId } from '#src/core/names/names.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import { inSharedTurns } from '#src/core/quotas/shared-turns.ts';
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
  /** The key among those of the function's flow. */
  flowKey?: string | undefined;
  /** How urgent the request is, from 0 (least) to 9 (most), while requests wait for a slot. */
  priority?: number | undefined;
} & DueOptions;

/** Appends requests to the log. */
export interface Requests {
  /**
   * Returns a payload if it is JSON or empty. A long one is checked in parts, after its size. Throws `PayloadTooLargeError`, and
   * `InvalidPayloadError` when it is not JSON.
   */
  check(name: FunctionName, request: Pick<Outgoing, 'payload' | 'qualifier'>): string | Promise<string>;
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
  /** Stores what is too large for the log, as far as the function accepts it; by default nothing is. */
  large?: Pick<LargePayloads, 'store'> & { maxBytesOf: (name: FunctionName, qualifier: string | undefined) => number };
};

/**
 * Batches requests by group commit without a timer.
 *
 * 1. While a message of a function waits for its acknowledgement, further requests of the function queue up and share the next message.
 * 2. When idle, requests of the same turn of the event loop share a message; usually that is one request.
 * 3. A request with an id of the caller is sent alone, so that its id names its stream, unless it is sent by `sendTogether`.
 * 4. A request with a large payload is sent alone, after its payload is durable (BIG1).
 */
export function createRequests({ payloads, large, ...options }: RequestsOptions): Requests {
  const { log, clock, random } = options;
  const batches = new RequestBatches(options);

  function seal(name: FunctionName, payload: string, id?: string): string {
    return payloads?.seal(name, payload, id) ?? payload;
  }

  /** `payload` is sealed, or a reference. */
  function contentOf(
    payload: string,
    { qualifier, traceparent, synchronous, batch, flowKey, priority, at, delay }: Omit<Outgoing, 'payload' | 'id'>,
  ): NewRequest {
    const content: NewRequest = { payload };
    if (qualifier !== undefined) content.qualifier = parseQualifier(qualifier);
    if (traceparent !== undefined) content.traceparent = traceparent;
    if (synchronous) content.synchronous = true;
    addBatch(content, batch);
    addFlowKey(content, flowKey);
    addPriority(content, priority);
    if (at === undefined && delay === undefined) return content;
    if (synchronous) throw new InvalidInputError({ field: 'a synchronous invocation', problem: 'cannot be delayed' });
    return { ...content, deliverAt: deliverAtOf({ at, delay }, clock.now()) };
  }

  /** The size of a payload. Throws `InvalidInputError` when the function does not accept it. */
  function sizeOf(name: FunctionName, { payload, qualifier }: Pick<Outgoing, 'payload' | 'qualifier'>): number {
    const bytes = Buffer.byteLength(payload);
    if (bytes > MAX_PAYLOAD_BYTES) expectWithin(bytes, large?.maxBytesOf(name, qualifier) ?? MAX_PAYLOAD_BYTES);
    return bytes;
  }

  /** The reference to a payload, which is durable then. */
  async function store(name: FunctionName, { payload, id }: Outgoing & { id: RequestId }, isRepeatable: boolean): Promise<string> {
    return (await large?.store({ function: name, invocation: id }, payload, { isRepeatable })) ?? payload;
  }

  async function sendLarge(name: FunctionName, outgoing: Outgoing): Promise<RequestId> {
    const isBrought = outgoing.id !== undefined;
    const id = isBrought ? checkId(outgoing.id ?? '') : (createStreamId(clock.now(), random.bytes(8)) as string as RequestId);
    const request = contentOf(await store(name, { ...outgoing, id }, isBrought), outgoing);
    await log.accept({ function: name, stream: streamOf(id) }, [{ ...request, id }]);
    return id;
  }

  async function checkLong(name: FunctionName, request: Pick<Outgoing, 'payload' | 'qualifier'>): Promise<string> {
    sizeOf(name, request);
    await inSharedTurns(projectOf(name), checkLongJson(request.payload)).catch((error: unknown) => {
      throw error instanceof SyntaxError ? notJson(error) : error;
    });
    return request.payload;
  }

  return {
    check: (name, request) => (request.payload.length < LONG_JSON ? checkJson(request.payload) : checkLong(name, request)),
    async sendOnce(name, { id, repeats, ...outgoing }) {
      const own = checkId(id);
      const isLarge = sizeOf(name, outgoing) > MAX_PAYLOAD_BYTES;
      const payload = isLarge ? await store(name, { ...outgoing, id: own }, true) : seal(name, outgoing.payload, own);
      const request: NewRequest = { ...contentOf(payload, outgoing), id: own, once: true };
      if (repeats !== undefined) request.repeats = repeats;
      return await log.accept({ function: name, stream: streamOf(own) }, [request]);
    },
    async sendTogether(name, { id, ...outgoing }) {
      const bytes = sizeOf(name, outgoing);
      if (bytes > MAX_PAYLOAD_BYTES) return await sendLarge(name, { ...outgoing, id });
      return await batches.sendTogether(name, {
        request: contentOf(seal(name, outgoing.payload), outgoing),
        bytes,
        id: checkId(id),
      });
    },
    async send(name, outgoing) {
      const bytes = sizeOf(name, outgoing);
      if (bytes > MAX_PAYLOAD_BYTES) return await sendLarge(name, outgoing);
      const request = contentOf(seal(name, outgoing.payload, outgoing.id), outgoing);
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
    throw notJson(error);
  }
}

function notJson(error: unknown): InvalidPayloadError {
  return new InvalidPayloadError({ why: messageOf(error) }, { cause: error });
}

/** Returns the text if it is a valid payload. Throws `PayloadTooLargeError`, and `InvalidPayloadError` when it is not JSON. */
export function checkPayload(payload: string): string {
  expectWithin(Buffer.byteLength(payload), MAX_PAYLOAD_BYTES);
  return checkJson(payload);
}

function expectWithin(bytes: number, max: number): void {
  if (bytes <= max) return;
  throw new PayloadTooLargeError({ bytes, max });
}

function addBatch(content: NewRequest, id: string | undefined): void {
  if (id === undefined) return;
  if (isRequestId(id)) {
    content.batch = id;
    return;
  }
  throw new InvalidInputError({ field: `batch ${quote(id)}`, problem: 'must be 1 to 64 letters, digits, "-" or "_"' });
}

function addFlowKey(content: NewRequest, key: string | undefined): void {
  if (key === undefined) return;
  if (isFlowKey(key)) {
    content.flowKey = key;
    return;
  }
  throw new InvalidInputError({ field: `the flow key ${quote(key)}`, problem: FLOW_KEY_FORM });
}

function addPriority(content: NewRequest, priority: number | undefined): void {
  if (priority === undefined) return;
  if (!isPriority(priority)) throw new InvalidInputError({ field: 'the priority', problem: PRIORITY_FORM });
  content.priority = priority;
}

function checkId(id: string): RequestId {
  if (canBeBrought(id)) return id;
  throw new InvalidInputError({
    field: `request id ${quote(id)}`,
    problem: 'must be 1 to 64 letters, digits, "-" or "_", and not of the form that Sequent makes itself',
  });
}
