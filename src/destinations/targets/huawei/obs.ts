import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { AwsV4Signer } from 'aws4fetch';
import { z } from 'zod';
import { splitName } from '#src/core/names/names.ts';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import type { DeliveryRequest, DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { percentEncode } from '#src/core/text/percent-encode.ts';
import { signatureDate } from '#src/core/text/signature-date.ts';
import { type Answer, reachOf, type VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { ConnectionOf, Connections } from '#src/destinations/targets/connection.ts';
import { connectionName, parseParam, refusalOf } from '#src/destinations/targets/param.ts';
import { createResolvedTarget, type Refused } from '#src/destinations/targets/resolved-target.ts';
import { reveal } from '#src/destinations/targets/secret.ts';
import { type Answered, dead, delivered, failed, unusable, verdictOf } from '#src/destinations/targets/verdict.ts';

/** Bucket and prefix become parts of a URL, in its host or its path, so both must be unambiguous there. */
const obsParamSchema = z.strictObject({
  bucket: z
    .string()
    .regex(/^(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be 3 to 63 lower-case letters, digits, "-" or "."'),
  prefix: z
    .string()
    .max(512)
    .regex(/^[^\p{C}]*$/u, 'must not hold control characters')
    .refine((prefix) => !`${prefix}x`.split('/').some((step) => step === '.' || step === '..'), 'must not hold the steps "." and ".."')
    .default(''),
  /** Days after which the object is deleted; 0 keeps it. */
  expires: z.int().min(0).max(365).default(0),
  connection: connectionName,
});
type ObsParam = z.output<typeof obsParamSchema>;

type Resolved = { kind: 'resolved'; param: ObsParam; name: string; connection: ConnectionOf<'obs'> };

/**
 * Stores the envelope as one object. The object key contains the request id, so a repeated put finds the object and changes nothing.
 *
 * Two destinations of one outcome with the same object key store one object, because the envelope is the same.
 */
type ObsPorts = { connections: Connections; http: VettedHttp; clock?: Pick<Clock, 'now'> };

export function createObsTarget({ connections, http, clock = systemClock }: ObsPorts): DestinationTarget {
  async function put({ connection, param }: Resolved, request: DeliveryRequest, options: { once: boolean; signal: AbortSignal }) {
    const revealed = reveal({ accessKeyId: connection.accessKeyId, secretAccessKey: connection.secretAccessKey });
    if (revealed.kind === 'unreadable') return revealed;
    const url = urlOf(connection, param, objectKeyOf(param, request));
    const signer = new AwsV4Signer({
      ...revealed.texts,
      method: 'PUT',
      datetime: signatureDate(clock.now()),
      url,
      headers: { ...headersOf(param, request), ...(options.once ? { 'if-none-match': '*' } : {}) },
      body: request.envelope,
      service: 's3',
      region: regionOf(connection),
    });
    const { headers } = await signer.sign();
    const reach = reachOf(connection.endpoint, connection);
    return http.send({ method: 'PUT', url, headers: Object.fromEntries(headers), body: request.envelope, reach }, options.signal);
  }

  return createResolvedTarget<Resolved>({
    kind: 'OBS',
    resolve: (param, functionName) => resolve(param, connections, functionName),
    limitKeyOf: ({ name, param }) => `OBS ${name}/${param.bucket}`,
    async deliver(resolved, request, signal) {
      const first = await put(resolved, request, { once: true, signal });
      // A store without conditional puts: a repeat writes the same object again.
      const answer = refusesCondition(first) ? await put(resolved, request, { once: false, signal }) : first;
      return answer.kind === 'unreadable' ? unusable(resolved.name, answer.problem) : verdictOfObs(answer, resolved);
    },
  });
}

function resolve(text: string, connections: Connections, functionName?: string): Resolved | Refused {
  const parsed = parseParam(obsParamSchema, text);
  if (parsed.kind === 'invalid') return { kind: 'refused', problem: refusalOf(parsed) };
  const picked = connections.pick('obs', parsed.param.connection, functionName);
  if (picked.kind === 'missing') return { kind: 'refused', problem: picked.problem };
  return { kind: 'resolved', param: parsed.param, name: picked.name, connection: picked.connection };
}

/** The folder of a function of another project is in a folder of the project, because projects may share a bucket. */
function objectKeyOf({ prefix }: ObsParam, { functionName, acceptedAt, requestId }: DeliveryRequest): string {
  const { project, bare } = splitName(functionName);
  const folder = project === undefined ? bare : `${project}/${bare}`;
  return `${prefix}${folder}/${new Date(acceptedAt).toISOString().slice(0, 10)}/${requestId}.json`;
}

function urlOf({ endpoint, forcePathStyle }: ConnectionOf<'obs'>, { bucket }: ObsParam, key: string): string {
  const url = new URL(endpoint);
  const base = url.pathname.replace(/\/+$/, '');
  const path = key.split('/').map(percentEncode).join('/');
  if (forcePathStyle || url.hostname.startsWith('[') || isIP(url.hostname) !== 0) return `${url.origin}${base}/${bucket}/${path}`;
  return `${url.protocol}//${bucket}.${url.host}${base}/${path}`;
}

function headersOf({ expires }: ObsParam, request: DeliveryRequest): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-amz-content-sha256': createHash('sha256').update(request.envelope).digest('hex'),
    'x-amz-meta-delivery-id': request.deliveryId,
    'x-amz-meta-outcome': request.outcome,
    ...(expires === 0 ? {} : { 'x-obs-expires': String(expires) }),
  };
}

function regionOf({ region, endpoint }: ConnectionOf<'obs'>): string {
  return region ?? /^(?:obs|s3)[.-]([a-z0-9-]+)\./.exec(new URL(endpoint).hostname)?.[1] ?? 'us-east-1';
}

function refusesCondition(answer: Answer | { kind: 'unreadable' }): boolean {
  if (answer.kind !== 'answered') return false;
  const isUnknown = ['NotImplemented', 'InvalidArgument', 'InvalidRequest'].includes(codeOf(answer) ?? '');
  return answer.status === 501 || (answer.status === 400 && isUnknown);
}

/** The result of a put, as a sentence for the reader of a dead letter. Only known codes of the store are repeated. */
function verdictOfObs(answer: Answer, { name, param: { bucket } }: Resolved): DeliveryResult {
  const receiver = `OBS bucket "${bucket}" of connection "${name}"`;
  if (answer.kind !== 'answered') return verdictOf(answer, receiver);
  // The object exists. Some stores answer 304 instead of 412.
  if (answer.status === 412 || answer.status === 304) return delivered;
  if (answer.status === 409) return failed(`${receiver} is being written to by another request`);
  const code = codeOf(answer);
  const codes = code === undefined ? String(answer.status) : `${answer.status} ${code}`;
  if (code === 'RequestTimeTooSkewed') return failed(`${receiver} says that the clock of this machine is wrong (${codes})`);
  if (answer.status === 401 || answer.status === 403)
    return dead(`insufficient permission: ${receiver} refused the credentials (${codes})`);
  if (answer.status === 404) return dead(`${receiver} does not exist (${codes})`);
  return verdictOf(answer, receiver);
}

const knownCodes = new Set([
  'AccessDenied',
  'AllAccessDisabled',
  'InvalidAccessKeyId',
  'InvalidArgument',
  'InvalidRequest',
  'NoSuchBucket',
  'NotImplemented',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
]);

function codeOf({ body }: Answered): string | undefined {
  const code = /<Code>([A-Za-z]+)<\/Code>/.exec(body)?.[1];
  return code !== undefined && knownCodes.has(code) ? code : undefined;
}
