import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import { disStreamFor } from '#src/core/names/addressable.ts';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import type { DeliveryRequest, DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { ConnectionOf, Connections } from '#src/destinations/targets/connection.ts';
import { connectionName, parseParam, refusalOf } from '#src/destinations/targets/param.ts';
import { type Publication, resultOfPublication } from '#src/destinations/targets/publication.ts';
import { createResolvedTarget, type Refused } from '#src/destinations/targets/resolved-target.ts';
import { type Answered, dead, delivered, failed, unusable, verdictOf } from '#src/destinations/targets/verdict.ts';
import { postToHuawei } from './huawei-service.ts';

const disParamSchema = z.strictObject({
  stream_name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "-" or "_"'),
  connection: connectionName,
});

/** A record of a DIS stream. */
export type DisRecord = {
  stream: string;
  /** The request id. Records with the same key keep their order. */
  partitionKey: string;
  /** The envelope, in base64. */
  data: string;
  /** When the request was accepted, in milliseconds since the epoch. */
  timestamp: number;
  /** The idempotency key: a stream keeps one record per key. */
  deliveryId: string;
};

/** Sequent's own streams. */
export interface DisStreams {
  /** Never rejects. */
  publishRecord(record: DisRecord, signal: AbortSignal): Promise<Publication>;
}

type Remote = { kind: 'remote'; stream: string; name: string; connection: ConnectionOf<'dis'> };
type Resolved = { kind: 'built-in'; stream: string } | Remote;

type DisPorts = { connections: Connections; http: VettedHttp; clock?: Pick<Clock, 'now'>; streams: DisStreams };

/** Appends the envelope to one of Sequent's own streams, or to a stream of the service behind a connection. */
export function createDisTarget({ connections, http, clock = systemClock, streams }: DisPorts): DestinationTarget {
  return createResolvedTarget<Resolved>({
    kind: 'DIS',
    resolve: (param, functionName) => resolve(param, connections, functionName),
    limitKeyOf: (resolved) => `DIS ${resolved.kind === 'remote' ? `${resolved.name}/` : ''}${resolved.stream}`,
    async deliver(resolved, request, signal) {
      if (resolved.kind === 'remote') return putRecord(resolved, request, { http, at: clock.now(), signal });
      const stream = disStreamFor(request.functionName, resolved.stream);
      const { requestId, envelope, acceptedAt, deliveryId } = request;
      const record = { stream, partitionKey: requestId, data: toBase64(envelope), timestamp: acceptedAt, deliveryId };
      return resultOfPublication(await streams.publishRecord(record, signal), `DIS stream "${stream}"`);
    },
  });
}

/** A built-in stream, unless `param` names a connection or a connection `dis` is configured. */
function resolve(text: string, connections: Connections, functionName?: string): Resolved | Refused {
  const parsed = parseParam(disParamSchema, text);
  if (parsed.kind === 'invalid') return { kind: 'refused', problem: refusalOf(parsed) };
  const { stream_name: stream, connection: wanted } = parsed.param;
  if (wanted === undefined && !connections.has('dis')) return { kind: 'built-in', stream };
  const picked = connections.pick('dis', wanted, functionName);
  return picked.kind === 'missing' ? { kind: 'refused', problem: picked.problem } : { ...picked, kind: 'remote', stream };
}

async function putRecord(
  remote: Remote,
  request: DeliveryRequest,
  { http, at, signal }: { http: VettedHttp; at: number; signal: AbortSignal },
): Promise<DeliveryResult> {
  const { connection, stream, name } = remote;
  const body = JSON.stringify({ stream_name: stream, records: [{ data: toBase64(request.envelope), partition_key: request.requestId }] });
  const answer = await postToHuawei(connection, { path: 'records', body, at, http, signal });
  if (answer.kind === 'unreadable') return unusable(name, answer.problem);
  const receiver = `DIS stream "${stream}" of connection "${name}"`;
  return answer.kind === 'answered' ? resultOfAnswer(answer, receiver) : verdictOf(answer, receiver);
}

const resultSchema = z.object({
  failed_record_count: z.int(),
  records: z.array(z.object({ error_code: z.string().nullish() })).default([]),
});

/** A 2xx counts as a success only when its body says that no record failed. */
function resultOfAnswer(answer: Answered, receiver: string): DeliveryResult {
  if (answer.status === 401 || answer.status === 403) {
    return dead(`insufficient permission: ${receiver} refused the credentials (${answer.status})`);
  }
  if (answer.status === 404) return dead(`${receiver} does not exist (404)`);
  const verdict = verdictOf(answer, receiver);
  if (verdict.kind !== 'delivered') return verdict;
  const result = resultSchema.safeParse(parseJson(answer.body));
  if (!result.success) return failed(`${receiver} did not say whether it stored the record`);
  if (result.data.failed_record_count === 0) return delivered;
  const code = result.data.records.map(({ error_code }) => error_code ?? '').find((each) => /^DIS\.\d{4}$/.test(each));
  return failed(`${receiver} did not store the record${code === undefined ? '' : ` (${code})`}`);
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}
