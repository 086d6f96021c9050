import { z } from 'zod';
import type { DeliveryRequest, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { originOf, type VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { ConnectionOf, Connections } from './connection.ts';
import { connectionName, parseParam, refusalOf } from './param.ts';
import { type Revealed, reveal } from './secret.ts';
import { traceHeaders } from './trace-headers.ts';
import { dead, unusable, verdictOf } from './verdict.ts';
import { signWebhook } from './webhook-signature.ts';

export const httpParamSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .max(2_048)
    .refine((text) => !/^\w+:\/*[^/?#]*@/.test(text), 'must not hold a user or a password'),
  connection: connectionName,
});

type Found = { kind: 'found'; url: string; name: string; connection: ConnectionOf<'http'> } | { kind: 'refused'; problem: string };

/** Posts the envelope to a URL: a webhook, signed by Standard Webhooks when the connection has a secret. */
export function createHttpTarget({ connections, http }: { connections: Connections; http: VettedHttp }): DestinationTarget {
  return {
    refuse(text, functionName) {
      const found = find(text, connections, functionName);
      return found.kind === 'refused' ? found.problem : undefined;
    },
    limitKeyOf({ param }) {
      const found = find(param, connections);
      return found.kind === 'found' ? `HTTP ${originOf(found.url)}` : 'HTTP';
    },
    async deliver(request, signal) {
      const found = find(request.destination.param, connections, request.functionName);
      if (found.kind === 'refused') return dead(found.problem);
      const { url, name, connection } = found;
      const headers = headersOf(connection, request);
      if (headers.kind === 'unreadable') return unusable(name, headers.problem);
      const answer = await http.send({ method: 'POST', url, headers: headers.texts, body: request.envelope, reach: connection }, signal);
      return verdictOf(answer, originOf(url));
    },
  };
}

function find(text: string, connections: Connections, functionName?: string): Found {
  const parsed = parseParam(httpParamSchema, text);
  if (parsed.kind === 'invalid') return { kind: 'refused', problem: refusalOf(parsed) };
  const { url, connection: wanted } = parsed.param;
  const picked = connections.pick('http', wanted, functionName);
  if (picked.kind === 'missing') return { kind: 'refused', problem: picked.problem };
  const { name, connection } = picked;
  if (new URL(url).protocol === 'http:' && !connection.allowHttp) {
    return { kind: 'refused', problem: `param.url must be an https URL: connection "${name}" does not allow http` };
  }
  if (connection.hosts !== undefined && !connection.hosts.some((host) => isOf(new URL(url).hostname, host))) {
    return { kind: 'refused', problem: `param.url must be at a host of connection "${name}": ${connection.hosts.join(', ')}` };
  }
  return { kind: 'found', url, name, connection };
}

function isOf(hostname: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern;
}

/** The signature goes last: no header of the connection replaces it. */
function headersOf(connection: ConnectionOf<'http'>, request: DeliveryRequest): Revealed<string> {
  const own = reveal(connection.headers);
  if (own.kind === 'unreadable') return own;
  const lowerCase = Object.fromEntries(Object.entries(own.texts).map(([name, value]) => [name.toLowerCase(), value]));
  const texts: Record<string, string> = { 'content-type': 'application/json', ...lowerCase, ...traceHeaders(request) };
  if (connection.secret === undefined) return { kind: 'revealed', texts: { ...texts, 'webhook-id': request.deliveryId } };
  const signature = signWebhook(connection.secret, request.deliveryId, request.envelope);
  return signature.kind === 'unreadable' ? signature : { kind: 'revealed', texts: { ...texts, ...signature.texts } };
}
