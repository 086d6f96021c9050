import { z } from 'zod';
import { type FactOf, type Lineage, type OpensBatch, opensSchema } from '#machines/facts.ts';
import { parseJson } from '#src/core/json/json.ts';
import { hashOfRequest } from '#src/core/log/chain.ts';
import { compileOnUse } from '#src/core/log/compile-on-use.ts';
import type { AcceptedRequest, NewRequest, RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import {
  decodeLineage,
  decodeSchedule,
  defectOf,
  encodeLineage,
  type FlowContent,
  flowHeader,
  flowHeaders,
  flowIn,
  readFlow,
} from '#src/core/log/request-fields.ts';
import { canBeBrought, idAt, idFromSequence, isDerivedForm, isStreamId, MAX_BATCH, streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, isRequestId, quote, type RequestId, type StreamId } from '#src/core/names/names.ts';
import { isTraceparent } from '#src/core/names/traceparent.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import { type DueTime, readDueTime } from './due-time.ts';

/**
 * How requests are encoded as messages, for every log. Every published request is validated here (U1).
 *
 * Only Sequent's own users may derive an id, or name the invocation that a request follows from (rule OWN1). JetStream stores no user, so the
 * subject of a message tells who may have published it: `derived.<function>` is not permitted to clients.
 */

/** The value of the header `Batch` in the request that opens a batch. No stream has this id, so an earlier version refuses the request. */
const OPENS = 'opens';

/** The headers of a request message. */
export const requestHeader = {
  requestId: 'Request-Id',
  qualifier: 'Qualifier',
  traceparent: 'traceparent',
  /** The position in a chain of destinations: `<root>/<parent>/<hop>/<budget>`. */
  lineage: 'Lineage',
  /** The invocation that this request redrives. */
  redriveOf: 'Redrive-Of',
  /** The schedule that requests it, and the fire time: `<name>/<milliseconds>`. */
  schedule: 'Schedule',
  /** `true` when the caller waits for the outcome of the first attempt (SYNC1). */
  synchronous: 'Synchronous',
  ...flowHeader,
  /** When the request, or each request of a batch, is due (`due-time.ts`). */
  deliverAt: 'Deliver-At',
  /** The batch that each request of the message is a member of. */
  memberOf: 'Member-Of',
  /** The stream of a batch. Its presence means that the payload is a batch of requests. */
  batch: 'Batch',
} as const;

/** The headers of a message. An absent header reads as an empty text. */
export type HeaderReader = { get(name: string): string };

export type RawRequest = {
  /** A text if the caller has decoded the bytes already. */
  data: Uint8Array | string;
  headers: HeaderReader | undefined;
  sequence: number;
  at: number;
  /** Whether only Sequent's own users can have published the message. */
  isOwn: boolean;
  /** For a reader that executes nothing: a payload that is too large or no JSON is no defect then. To parse each payload is costly. */
  ignoresPayload?: true;
};

/** The token of a request's subject, and the function that it names. */
export type InvokeTarget = { function: FunctionName; token: string };

/** Whether a new request is published as a derived one: its id or its origin would not be believed of a client. */
export function isDerivedRequest({ id, lineage, redriveOf, schedule, opens }: NewRequest): boolean {
  return (
    opens !== undefined ||
    lineage !== undefined ||
    redriveOf !== undefined ||
    schedule !== undefined ||
    (id !== undefined && isDerivedForm(id))
  );
}

/** The payload of a message with several requests: one with the header `Batch`. */
export const batchSchema = z.object({
  requests: z
    .array(
      z.object({
        payload: z.string(),
        qualifier: z.string().optional(),
        traceparent: z.string().optional(),
        synchronous: z.literal(true).optional(),
        flowKey: z.string().optional(),
        priority: z.number().optional(),
      }),
    )
    .min(1)
    .max(MAX_BATCH),
});
const compiledBatchSchema = compileOnUse(batchSchema);

/** Encodes new requests as one message: a single payload unchanged, several as a batch. */
export function encodeRequests(
  stream: StreamId,
  requests: readonly NewRequest[],
): { payload: string; headers: [name: string, value: string][] } {
  const [only] = requests;
  const common = commonHeaders(only);
  if (only === undefined || requests.length > 1) {
    return { payload: JSON.stringify({ requests }), headers: [[requestHeader.batch, stream], ...common] };
  }
  const headers: [string, string][] = [[requestHeader.requestId, only.id ?? stream], ...common];
  if (only.opens !== undefined) return { payload: JSON.stringify(only.opens), headers: [...headers, [requestHeader.batch, OPENS]] };
  if (only.qualifier !== undefined) headers.push([requestHeader.qualifier, only.qualifier]);
  if (only.traceparent !== undefined) headers.push([requestHeader.traceparent, only.traceparent]);
  if (only.lineage !== undefined) headers.push([requestHeader.lineage, encodeLineage(only.lineage)]);
  if (only.redriveOf !== undefined) headers.push([requestHeader.redriveOf, only.redriveOf]);
  if (only.schedule !== undefined) headers.push([requestHeader.schedule, `${only.schedule.name}/${only.schedule.at ?? ''}`]);
  headers.push(...flowHeaders(only));
  if (only.synchronous) headers.push([requestHeader.synchronous, 'true']);
  return { payload: only.payload, headers };
}

/** The headers that all requests of a message share. */
function commonHeaders(first: NewRequest | undefined): [string, string][] {
  const headers: [string, string][] = first?.deliverAt === undefined ? [] : [[requestHeader.deliverAt, first.deliverAt]];
  if (first?.batch !== undefined) headers.push([requestHeader.memberOf, first.batch]);
  return headers;
}

/** The stream that a request message starts, by its headers alone. */
export function streamOfRequest({ headers, sequence, at, isOwn }: Omit<RawRequest, 'data'>): StreamId {
  const batch = headers?.get(requestHeader.batch) ?? '';
  if (batch !== '' && !(batch === OPENS && isOwn)) return isStreamId(batch) ? batch : idFromSequence(at, sequence);
  const id = headers?.get(requestHeader.requestId) ?? '';
  return isBelieved(id, isOwn) ? streamOf(id) : idFromSequence(at, sequence);
}

/** When the requests of a message are due, by its headers alone; `undefined` when they are due at acceptance. */
export function dueAtOfRequest(headers: HeaderReader | undefined, acceptedAt: number): number | undefined {
  return dueTimeIn(headers, acceptedAt)?.dueAt;
}

function dueTimeIn(headers: HeaderReader | undefined, acceptedAt: number): DueTime | undefined {
  const text = headers?.get(requestHeader.deliverAt) ?? '';
  return text === '' ? undefined : readDueTime(text, acceptedAt);
}

/** Whether the id of a message is the id of its request (OWN1). */
function isBelieved(id: string, isOwn: boolean): id is RequestId {
  return canBeBrought(id) || (isOwn && isDerivedForm(id));
}

/** Decodes a message of an invoke subject. Never throws: an invalid request becomes a request with a defect. */
export function decodeRequest(target: InvokeTarget, raw: RawRequest): RequestMessage {
  const stream = streamOfRequest(raw);
  const name: StreamName = { function: target.function, stream };
  const batch = raw.headers?.get(requestHeader.batch) ?? '';
  const message = { raw, stream, text: decodeText(raw.data) };
  const requests = batch === '' ? [decodeSingle(target.token, message)] : decodeBatch(target.token, message);
  const due = dueTimeIn(raw.headers, raw.at);
  if (due !== undefined) delay(requests, due, raw.headers);
  const memberOf = raw.headers?.get(requestHeader.memberOf) ?? '';
  // An id that no batch can have is dropped.
  if (isRequestId(memberOf)) for (const { fact } of requests) fact.batch = memberOf;
  return { name, sequence: raw.sequence, at: raw.at, hash: hashOf(target.function, message), requests };
}

/** Writes the due time into the decoded requests. A header that cannot be read is a defect of each request. */
function delay(requests: AcceptedRequest[], { dueAt, problem }: DueTime, headers: HeaderReader | undefined): void {
  for (const request of requests) {
    if (dueAt !== undefined) request.fact.dueAt = dueAt;
    if (problem === undefined || request.defect !== undefined) continue;
    const message = `the Deliver-At header ${quote(headers?.get(requestHeader.deliverAt) ?? '')} ${problem}`;
    request.defect = { condition: 'InvalidRequest', message };
  }
}

/** A message before its requests are decoded. `text` is undefined when the payload is not UTF-8. */
type UndecodedMessage = { raw: RawRequest; stream: StreamId; text: string | undefined };

/**
 * The mark of a synchronous request, the due time, the schedule, the key, the priority and the batch are not hashed, because processes of an earlier version
 * do not know them, and would take every append of such a stream for one with a wrong link. The terms of the first attempt hold the mark, and are
 * hashed.
 */
const { synchronous, deliverAt, schedule, flowKey, priority, memberOf } = requestHeader;
const unhashed: readonly string[] = [synchronous, deliverAt, schedule, flowKey, priority, memberOf];
const headerNames = Object.values(requestHeader).filter((name) => !unhashed.includes(name));

function hashOf(fn: FunctionName, { raw, stream, text }: UndecodedMessage): string {
  const { data, headers: reader, sequence, at } = raw;
  let headers = '';
  for (const name of headerNames) {
    const value = reader?.get(name) ?? '';
    if (value !== '') headers += `${name}: ${value}\n`;
  }
  // A text is hashed faster than its bytes, and both have the same hash.
  return hashOfRequest({ function: fn, stream, sequence, at, headers, data: text ?? data });
}

function decodeSingle(token: string, { raw: { headers, at, isOwn, ignoresPayload }, stream, text }: UndecodedMessage): AcceptedRequest {
  const given = headers?.get(requestHeader.requestId) ?? '';
  const isBrought = isBelieved(given, isOwn);
  const id = (isBrought ? given : stream) as RequestId;
  const request = accepted(
    { token, id, at, ignoresPayload },
    {
      payload: text,
      qualifier: headers?.get(requestHeader.qualifier) || undefined,
      traceparent: headers?.get(requestHeader.traceparent) || undefined,
      synchronous: headers?.get(requestHeader.synchronous) === 'true' || undefined,
      ...flowIn(headers),
      ...(isOwn ? originIn(headers) : {}),
    },
  );
  if (given === '' || isBrought) return request;
  const problem = isRequestId(given)
    ? 'has the form of the ids that Sequent creates; use another id'
    : 'must be 1 to 64 letters, digits, "-" or "_"';
  return { ...request, defect: { condition: 'InvalidRequest', message: `the Request-Id header ${quote(given)} ${problem}` } };
}

function decodeBatch(token: string, { raw, stream, text }: UndecodedMessage): AcceptedRequest[] {
  const opens = raw.isOwn && raw.headers?.get(requestHeader.batch) === OPENS ? opensSchema.safeParse(parseJson(text)).data : undefined;
  if (opens !== undefined) return [opening({ token, id: stream as string as RequestId, at: raw.at }, opens)];
  const content = parseJson(text);
  const batch = compiledBatchSchema().safeParse(content);
  const isNamed = isStreamId(raw.headers?.get(requestHeader.batch) ?? '');
  if (batch.success && isNamed) {
    const { at, ignoresPayload } = raw;
    return batch.data.requests.map((request, index) => accepted({ token, id: idAt(stream, index), at, ignoresPayload }, request));
  }
  const why = content === undefined ? 'it is no JSON text' : batch.error && problemsOf(batch.error);
  const problem = why ?? 'the Batch header names no stream';
  const request = accepted({ token, id: stream as string as RequestId, at: raw.at }, { payload: '' });
  return [{ ...request, defect: { condition: 'InvalidRequest', message: `the batch cannot be read: ${problem}` } }];
}

/** The request that opens a batch. Its payload, which receivers of the outcome get, names no destination. */
function opening({ token, id, at }: Identity, opens: OpensBatch): AcceptedRequest {
  const fact: AcceptedRequest['fact'] = { type: 'queued', invocation: id, at, function: token, qualifier: 'latest', opens };
  return { fact, payload: JSON.stringify({ batch: opens.batch }) };
}

type Identity = { token: string; id: RequestId; at: number; ignoresPayload?: true | undefined };
type Content = {
  payload: string | undefined;
  qualifier?: string | undefined;
  traceparent?: string | undefined;
  lineage?: Lineage | undefined;
  redriveOf?: string | undefined;
  schedule?: FactOf<'queued'>['schedule'];
  synchronous?: true | undefined;
} & FlowContent;

function accepted(
  { token, id, at, ignoresPayload }: Identity,
  { payload, qualifier, traceparent, lineage, redriveOf, schedule, synchronous, flowKey, priority }: Content,
): AcceptedRequest {
  const fact: AcceptedRequest['fact'] = { type: 'queued', invocation: id, at, function: token, qualifier: qualifier ?? 'latest' };
  // The specification of the trace context requires that an invalid one is dropped.
  if (traceparent !== undefined && isTraceparent(traceparent)) fact.traceparent = traceparent;
  if (lineage !== undefined) fact.lineage = lineage;
  if (redriveOf !== undefined && isRequestId(redriveOf)) fact.redriveOf = redriveOf;
  if (schedule !== undefined) fact.schedule = schedule;
  if (synchronous) fact.synchronous = true;
  const { problem, ...chosen } = readFlow({ flowKey, priority });
  Object.assign(fact, chosen);
  const defect = defectOf({ payload: ignoresPayload ? '' : payload, qualifier, problem });
  return { fact, payload: payload ?? '', ...(defect === undefined ? {} : { defect }) };
}

/** The invocation or the schedule that a request follows from. */
function originIn(headers: HeaderReader | undefined): Pick<Content, 'lineage' | 'redriveOf' | 'schedule'> {
  return {
    schedule: decodeSchedule(headers?.get(requestHeader.schedule) ?? ''),
    redriveOf: headers?.get(requestHeader.redriveOf) || undefined,
    lineage: decodeLineage(headers?.get(requestHeader.lineage) ?? ''),
  };
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText(data: Uint8Array | string): string | undefined {
  if (typeof data === 'string') return data;
  try {
    return strict.decode(data);
  } catch {
    return undefined;
  }
}
