import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { AwsV4Signer } from 'aws4fetch';
import { z } from 'zod';
import { splitName } from '#src/core/names/names.ts';
import type { DeliveryRequest, DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { percentEncode } from '#src/core/text/percent-encode.ts';
import { type Answer, reachOf, type VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { ConnectionOf, Connections } from './connection.ts';
import { connectionName, parseParam, refusalOf } from './param.ts';
import { reveal } from './secret.ts';
import { type Answered, dead, delivered, failed, unusable, verdictOf } from './verdict.ts';

/** In the OBS target a name of the service stands in the path or the host of a URL, so neither may have more than one meaning. */
export const obsParamSchema = z.strictObject({
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

type Found = { kind: 'found'; param: ObsParam; name: string; connection: ConnectionOf<'obs'> } | { kind: 'refused'; problem: string };

/**
 * Stores the envelope as an object, once: the key names the request, and a second put finds that the object is there.
 *
 * Two destinations of one outcome with the same key store one object, since the envelope is the same.
 */
export function createObsTarget({ connections, http }: { connections: Connections; http: VettedHttp }): DestinationTarget {
  async function put(found: Extract<Found, { kind: 'found' }>, request: DeliveryRequest, options: { once: boolean; signal: AbortSignal }) {
    const { connection, param } = found;
    const revealed = reveal({ accessKeyId: connection.accessKeyId, secretAccessKey: connection.secretAccessKey });
    if (revealed.kind === 'unreadable') return revealed;
    const url = urlOf(connection, param, objectKeyOf(param, request));
    const signer = new AwsV4Signer({
      ...revealed.texts,
      method: 'PUT',
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

  return {
    refuse(text, functionName) {
      const found = find(text, connections, functionName);
      return found.kind === 'refused' ? found.problem : undefined;
    },
    limitKeyOf({ param }) {
      const found = find(param, connections);
      return found.kind === 'found' ? `OBS ${found.name}/${found.param.bucket}` : 'OBS';
    },
    async deliver(request, signal) {
      const found = find(request.destination.param, connections, request.functionName);
      if (found.kind === 'refused') return dead(found.problem);
      const first = await put(found, request, { once: true, signal });
      // A store that does not know the condition: then a repeat writes the same object again.
      const answer = refusesCondition(first) ? await put(found, request, { once: false, signal }) : first;
      return answer.kind === 'unreadable' ? unusable(found.name, answer.problem) : verdictOfObs(answer, found);
    },
  };
}

function find(text: string, connections: Connections, functionName?: string): Found {
  const parsed = parseParam(obsParamSchema, text);
  if (parsed.kind === 'invalid') return { kind: 'refused', problem: refusalOf(parsed) };
  const picked = connections.pick('obs', parsed.param.connection, functionName);
  if (picked.kind === 'missing') return { kind: 'refused', problem: picked.problem };
  return { kind: 'found', param: parsed.param, name: picked.name, connection: picked.connection };
}

function objectKeyOf({ prefix }: ObsParam, { functionName, acceptedAt, requestId }: DeliveryRequest): string {
  return `${prefix}${splitName(functionName).bare}/${new Date(acceptedAt).toISOString().slice(0, 10)}/${requestId}.json`;
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

/** What the store says, in words for whoever reads the dead letter. Only known codes, so that nothing else is repeated. */
function verdictOfObs(answer: Answer, { name, param: { bucket } }: Extract<Found, { kind: 'found' }>): DeliveryResult {
  const place = `OBS bucket "${bucket}" of connection "${name}"`;
  if (answer.kind !== 'answered') return verdictOf(answer, place);
  // 304 is what some stores say instead of 412: the object is there.
  if (answer.status === 412 || answer.status === 304) return delivered;
  if (answer.status === 409) return failed(`${place} is being written to by somebody else`);
  const code = codeOf(answer);
  const said = code === undefined ? String(answer.status) : `${answer.status} ${code}`;
  if (code === 'RequestTimeTooSkewed') return failed(`${place} says that the clock of this machine is wrong (${said})`);
  if (answer.status === 401 || answer.status === 403) return dead(`insufficient permission: ${place} refused the credentials (${said})`);
  if (answer.status === 404) return dead(`${place} does not exist (${said})`);
  return verdictOf(answer, place);
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
