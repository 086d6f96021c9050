import { headers, type MsgHdrs } from 'nats';
import { z } from 'zod';
import { FACTS_VERSION, factSchema, MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { AcceptedRequest, Append, Attention, NewRequest, RecordedAppend, RequestMessage, StreamName, Version } from '#src/core/event-log.ts';
import { canBeBrought, idAt, idFromSequence, isStreamId, MAX_BATCH, streamOf } from '#src/core/ids.ts';
import { isQualifier, isRequestId, quote, type RequestId, type StreamId } from '#src/core/names.ts';
import type { SubjectParts } from './topology.ts';

/** How requests and appends look on the wire. Everything that is read passes the schemas here. */

/** The headers of Sequent's messages. */
export const header = {
  requestId: 'Request-Id',
  qualifier: 'Qualifier',
  traceparent: 'traceparent',
  /** Says that the payload is a batch of requests, and names its stream. */
  batch: 'Batch',
  expected: 'Nats-Expected-Last-Subject-Sequence',
  dueAt: 'Due-At',
  endsAt: 'Ends-At',
  heldSince: 'Held-Since',
} as const;

const batchSchema = z.object({
  requests: z
    .array(z.object({ payload: z.string(), qualifier: z.string().optional(), traceparent: z.string().optional() }))
    .min(1)
    .max(MAX_BATCH),
});

const appendSchema = z.object({
  v: z.literal(FACTS_VERSION),
  id: z.string(),
  previous: z.number(),
  request: z.number(),
  by: z.string(),
  facts: z.array(factSchema),
});

export function encodeAppend(append: Append): string {
  return JSON.stringify({ v: FACTS_VERSION, ...append });
}

const attentionHeaders = { dueAt: header.dueAt, endsAt: header.endsAt, heldSince: header.heldSince } as const;
const attentionKeys = Object.keys(attentionHeaders) as (keyof Attention)[];

export function appendHeaders(previous: Version, attention: Attention): MsgHdrs {
  const result = headers();
  result.set(header.expected, String(previous));
  for (const key of attentionKeys) {
    const moment = attention[key];
    if (moment !== undefined) result.set(attentionHeaders[key], String(moment));
  }
  return result;
}

/** `undefined` when the bytes are no append of a known version. */
export function decodeAppend(data: Uint8Array, sequence: number): RecordedAppend | undefined {
  const parsed = appendSchema.safeParse(parseJson(Buffer.from(data.buffer, data.byteOffset, data.length).toString()));
  if (!parsed.success) return undefined;
  const { v: _, ...append } = parsed.data;
  return { ...append, previous: append.previous as Version, version: sequence as Version } as RecordedAppend;
}

export function decodeAttention(found: MsgHdrs | undefined): Attention {
  const attention: Attention = {};
  for (const key of attentionKeys) {
    const moment = found?.get(attentionHeaders[key]) ?? '';
    if (moment !== '') attention[key] = Number(moment);
  }
  return attention;
}

/** Makes the message that carries new requests: the payload as it is, or a batch in an envelope. */
export function encodeRequests(stream: StreamId, requests: readonly NewRequest[]): { payload: string; headers: MsgHdrs } {
  const result = headers();
  const [only] = requests;
  if (only !== undefined && requests.length === 1) {
    result.set(header.requestId, only.id ?? stream);
    if (only.qualifier !== undefined) result.set(header.qualifier, only.qualifier);
    if (only.traceparent !== undefined) result.set(header.traceparent, only.traceparent);
    return { payload: only.payload, headers: result };
  }
  result.set(header.batch, stream);
  return { payload: JSON.stringify({ requests }), headers: result };
}

type RawRequest = { data: Uint8Array; headers: MsgHdrs | undefined; sequence: number; at: number };

/** The stream that a request message gives birth to, told from its headers alone. */
export function streamOfRequest({ headers: found, sequence, at }: Omit<RawRequest, 'data'>): StreamId {
  const batch = found?.get(header.batch) ?? '';
  if (batch !== '') return isStreamId(batch) ? batch : idFromSequence(at, sequence);
  const id = found?.get(header.requestId) ?? '';
  return canBeBrought(id) ? streamOf(id) : idFromSequence(at, sequence);
}

/** Decodes a message of an invoke subject. Never throws: what cannot be accepted becomes a request with a defect. */
export function decodeRequest(parts: Extract<SubjectParts, { kind: 'invoke' }>, raw: RawRequest): RequestMessage {
  const stream = streamOfRequest(raw);
  const name: StreamName = { function: parts.function, stream };
  const isBatch = (raw.headers?.get(header.batch) ?? '') !== '';
  const requests = isBatch ? decodeBatch(parts.token, stream, raw) : [decodeSingle(parts.token, stream, raw)];
  return { name, sequence: raw.sequence, at: raw.at, requests };
}

function decodeSingle(token: string, stream: StreamId, { data, headers: found, at }: RawRequest): AcceptedRequest {
  const given = found?.get(header.requestId) ?? '';
  const id = (canBeBrought(given) ? given : stream) as RequestId;
  const request = accepted(token, id, at, {
    payload: decodeText(data),
    qualifier: found?.get(header.qualifier) || undefined,
    traceparent: found?.get(header.traceparent) || undefined,
  });
  if (given === '' || canBeBrought(given)) return request;
  const problem = isRequestId(given)
    ? 'has the form of the ids that Sequent makes; bring another one'
    : 'must be 1 to 64 letters, digits, "-" or "_"';
  return { ...request, defect: { condition: 'InvalidRequest', message: `the Request-Id header ${quote(given)} ${problem}` } };
}

function decodeBatch(token: string, stream: StreamId, raw: RawRequest): AcceptedRequest[] {
  const batch = batchSchema.safeParse(parseJson(decodeText(raw.data)));
  const isNamed = isStreamId(raw.headers?.get(header.batch) ?? '');
  if (batch.success && isNamed) {
    return batch.data.requests.map((request, place) => accepted(token, idAt(stream, place), raw.at, request));
  }
  const problem = batch.success ? 'the Batch header names no stream' : z.prettifyError(batch.error);
  const request = accepted(token, stream as string as RequestId, raw.at, { payload: '' });
  return [{ ...request, defect: { condition: 'InvalidRequest', message: `the batch cannot be read: ${problem}` } }];
}

type Content = { payload: string | undefined; qualifier?: string | undefined; traceparent?: string | undefined };

function accepted(token: string, id: RequestId, at: number, { payload, qualifier, traceparent }: Content): AcceptedRequest {
  const fact: AcceptedRequest['fact'] = { type: 'queued', invocation: id, at, function: token, qualifier: qualifier ?? 'latest' };
  if (traceparent !== undefined) fact.traceparent = traceparent;
  const defect = defectOf(payload, qualifier);
  return { fact, payload: payload ?? '', ...(defect === undefined ? {} : { defect }) };
}

function defectOf(payload: string | undefined, qualifier: string | undefined): AcceptedRequest['defect'] {
  if (qualifier !== undefined && !isQualifier(qualifier)) {
    return { condition: 'InvalidRequest', message: `the qualifier ${quote(qualifier)} is neither a version nor "!" and an alias` };
  }
  if (payload === undefined) return { condition: 'InvalidPayload', message: 'the payload is not UTF-8 text' };
  const bytes = payload.length * 3 > MAX_PAYLOAD_BYTES ? Buffer.byteLength(payload) : payload.length;
  if (bytes > MAX_PAYLOAD_BYTES) {
    return { condition: 'PayloadTooLarge', message: `the payload has ${bytes} bytes; at most ${MAX_PAYLOAD_BYTES} are accepted` };
  }
  if (payload === '') return undefined;
  try {
    JSON.parse(payload);
    return undefined;
  } catch (error) {
    return { condition: 'InvalidPayload', message: `the payload is not JSON: ${(error as Error).message}` };
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText(data: Uint8Array): string | undefined {
  try {
    return strict.decode(data);
  } catch {
    return undefined;
  }
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
