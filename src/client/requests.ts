import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { InvalidInputError, InvalidPayloadError, messageOf } from '#src/core/errors.ts';
import type { Accepted, EventLog, NewRequest } from '#src/core/log/event-log.ts';
import { canBeBrought, createStreamId, idAt, MAX_BATCH, streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseQualifier, quote, type RequestId } from '#src/core/names/names.ts';
import type { Clock, Random } from '#src/core/ports/clock.ts';

/** The limit of the payloads in one batch. Even if escaping doubles their size, the batch fits a message of 1 MB. */
const MAX_BATCH_BYTES = 480 * 1_024;

/** A request that the log has not accepted yet. */
export type Outgoing = {
  /** JSON text, or an empty text for the event `{}`. */
  payload: string;
  /** The caller's idempotency key. */
  id?: string | undefined;
  qualifier?: string | undefined;
  traceparent?: string | undefined;
};

/** Appends requests to the log. */
export interface Requests {
  /** Resolves to the request's id when the request is durable. Throws `InvalidInputError`, or an error of `EventLog.accept`. */
  send(name: FunctionName, request: Outgoing): Promise<RequestId>;
  /** Like `send`, for a request with an id. Reports whether the log accepted this id within the last two minutes, and at which sequence. */
  sendOnce(name: FunctionName, request: Outgoing & { id: string }): Promise<Accepted>;
}

type Waiting = { request: NewRequest; bytes: number; resolve: (id: RequestId) => void; reject: (reason: unknown) => void };
type Lane = { waiting: Waiting[]; isSending: boolean };

export type RequestsOptions = {
  log: Pick<EventLog, 'accept'>;
  clock: Clock;
  random: Random;
  /** The maximum number of requests in one message. A batch must not exceed the concurrency of its function. */
  maxBatch: (name: FunctionName) => number;
};

/**
 * Batches requests by group commit without a timer.
 *
 * 1. While a message of a function waits for its acknowledgement, further requests of the function queue up and share the next message.
 * 2. When idle, requests of the same turn of the event loop share a message; usually that is one request.
 * 3. A request with an id of the caller is sent alone, so that its id names its stream.
 */
export function createRequests({ log, clock, random, maxBatch }: RequestsOptions): Requests {
  const lanes = new Map<FunctionName, Lane>();

  async function drain(name: FunctionName, lane: Lane): Promise<void> {
    // Wait for the other requests of this turn.
    await null;
    while (lane.waiting.length > 0) {
      const batch = takeBatch(lane.waiting, Math.min(MAX_BATCH, maxBatch(name)));
      const stream = createStreamId(clock.now(), random.bytes(8));
      try {
        await log.accept(
          { function: name, stream },
          batch.map(({ request }) => request),
        );
        for (const [index, { resolve }] of batch.entries()) resolve(idAt(stream, index));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    lane.isSending = false;
  }

  /** Sends the request in a batch with others of its function. */
  function sendInBatch(name: FunctionName, request: NewRequest, bytes: number): Promise<RequestId> {
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = { waiting: [], isSending: false };
      lanes.set(name, lane);
    }
    const { waiting } = lane;
    const sent = new Promise<RequestId>((resolve, reject) => waiting.push({ request, bytes, resolve, reject }));
    if (!lane.isSending) {
      lane.isSending = true;
      void drain(name, lane);
    }
    return sent;
  }

  return {
    async sendOnce(name, { id, ...outgoing }) {
      checkSize(outgoing.payload);
      const own = checkId(id);
      return await log.accept({ function: name, stream: streamOf(own) }, [{ ...contentOf(outgoing), id: own, once: true }]);
    },
    async send(name, outgoing) {
      const bytes = checkSize(outgoing.payload);
      const request = contentOf(outgoing);
      if (outgoing.id === undefined) return await sendInBatch(name, request, bytes);
      request.id = checkId(outgoing.id);
      await log.accept({ function: name, stream: streamOf(request.id) }, [request]);
      return request.id;
    },
  };
}

function contentOf({ payload, qualifier, traceparent }: Outgoing): NewRequest {
  const content: NewRequest = { payload };
  if (qualifier !== undefined) content.qualifier = parseQualifier(qualifier);
  if (traceparent !== undefined) content.traceparent = traceparent;
  return content;
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

function checkId(id: string): RequestId {
  if (canBeBrought(id)) return id;
  throw new InvalidInputError({
    field: `request id ${quote(id)}`,
    problem: 'must be 1 to 64 letters, digits, "-" or "_", and not of the form that Sequent makes itself',
  });
}

function takeBatch(waiting: Waiting[], max: number): Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const entry of waiting) {
    bytes += entry.bytes;
    if (count === max || (count > 0 && bytes > MAX_BATCH_BYTES)) break;
    count++;
  }
  return waiting.splice(0, count);
}
