import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { InvalidInputError, InvalidPayloadError, messageOf } from '#src/core/errors.ts';
import type { Accepted, EventLog, NewRequest } from '#src/core/log/event-log.ts';
import { canBeBrought, createStreamId, idAt, MAX_BATCH, streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseQualifier, quote, type RequestId } from '#src/core/names/names.ts';
import type { Clock, Random } from '#src/core/ports/clock.ts';

/** The most bytes of payload that one batch carries: twice as many, escaped in its envelope, still fit a message of 1 MB. */
const MAX_BATCH_BYTES = 480 * 1_024;

/** One request on its way into the log. */
export type Outgoing = {
  /** JSON text, or an empty text for the event `{}`. */
  payload: string;
  /** Brought by the caller: the idempotency key of the request. */
  id?: string | undefined;
  qualifier?: string | undefined;
  traceparent?: string | undefined;
};

/** Puts requests into the log; resolves to their ids when they are durable. */
export interface Requests {
  /** Throws `InvalidInputError`, or what `EventLog.accept` throws. */
  send(name: FunctionName, request: Outgoing): Promise<RequestId>;
  /** The same for a request with its own id; tells whether one of that id was accepted in the last two minutes, and where it stands. */
  sendOnce(name: FunctionName, request: Outgoing & { id: string }): Promise<Accepted>;
}

type Waiting = { request: NewRequest; bytes: number; resolve: (id: RequestId) => void; reject: (reason: unknown) => void };
type Lane = { waiting: Waiting[]; isSending: boolean };

export type RequestsOptions = {
  log: Pick<EventLog, 'accept'>;
  clock: Clock;
  random: Random;
  /** The most requests of the function that may share a message: no batch is larger than its concurrency. */
  maxBatch: (name: FunctionName) => number;
};

/**
 * Requests for one function that wait for the same acknowledgement share a message: group commit without a timer, a batch
 * of one when idle. A request with its own id travels alone, so that its id is its stream.
 */
export function createRequests({ log, clock, random, maxBatch }: RequestsOptions): Requests {
  const lanes = new Map<FunctionName, Lane>();

  async function drain(name: FunctionName, lane: Lane): Promise<void> {
    // Requests made in the same turn share a message already.
    await null;
    while (lane.waiting.length > 0) {
      const batch = takeBatch(lane.waiting, Math.min(MAX_BATCH, maxBatch(name)));
      const stream = createStreamId(clock.now(), random.bytes(8));
      try {
        await log.accept(
          { function: name, stream },
          batch.map(({ request }) => request),
        );
        for (const [place, { resolve }] of batch.entries()) resolve(idAt(stream, place));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    lane.isSending = false;
  }

  /** Puts the request behind those of its function that wait. */
  function sendShared(name: FunctionName, request: NewRequest, bytes: number): Promise<RequestId> {
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
      if (outgoing.id === undefined) return await sendShared(name, request, bytes);
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

/** The text of an event. Throws `InvalidInputError` for what JSON cannot express. */
export function encodePayload(event: unknown): string {
  try {
    return JSON.stringify(event) ?? '';
  } catch (error) {
    throw new InvalidInputError({ field: 'the event', problem: `is not JSON: ${messageOf(error)}` }, { cause: error });
  }
}

/** Throws `InvalidPayloadError` unless the text is JSON. */
export function checkJson(payload: string): string {
  if (payload === '') return payload;
  try {
    JSON.parse(payload);
    return payload;
  } catch (error) {
    throw new InvalidPayloadError({ why: messageOf(error) }, { cause: error });
  }
}

/** Throws `InvalidInputError` unless the text can be the payload of a request. */
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

function takeBatch(waiting: Waiting[], most: number): Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const entry of waiting) {
    bytes += entry.bytes;
    if (count === most || (count > 0 && bytes > MAX_BATCH_BYTES)) break;
    count++;
  }
  return waiting.splice(0, count);
}
