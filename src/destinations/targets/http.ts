import { z } from 'zod';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import type { DeliveryRequest, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { originOf, type VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { ConnectionOf, Connections } from './connection.ts';
import { connectionName, parseParam, refusalOf } from './param.ts';
import { createResolvedTarget, type Refused } from './resolved-target.ts';
import { type Revealed, reveal } from './secret.ts';
import { traceHeaders } from './trace-headers.ts';
import { unusable, verdictOf } from './verdict.ts';
import { signWebhook } from './webhook-signature.ts';

export const httpParamSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .max(2_048)
    .refine((text) => !/^\w+:\/*[^/?#]*@/.test(text), 'must not hold a user or a password'),
  connection: connectionName,
});

type Resolved = { kind: 'resolved'; url: string; name: string; connection: ConnectionOf<'http'> };

/** Posts the envelope to a URL: a webhook, signed by Standard Webhooks when the connection has a secret. */
type HttpPorts = { connections: Connections; http: VettedHttp; clock?: Pick<Clock, 'now'> };

export function createHttpTarget({ connections, http, clock = systemClock }: HttpPorts): DestinationTarget {
  return createResolvedTarget<Resolved>({
    kind: 'HTTP',
    resolve: (param, functionName) => resolve(param, connections, functionName),
    limitKeyOf: ({ url }) => `HTTP ${originOf(url)}`,
    async deliver({ url, name, connection }, request, signal) {
      const headers = headersOf(connection, request, clock.now());
      if (headers.kind === 'unreadable') return unusable(name, headers.problem);
      const answer = await http.send({ method: 'POST', url, headers: headers.texts, body: request.envelope, reach: connection }, signal);
      return verdictOf(answer, originOf(url));
    },
  });
}

function resolve(text: string, connections: Connections, functionName?: string): Resolved | Refused {
  const parsed = parseParam(httpParamSchema, text);
  if (parsed.kind === 'invalid') return { kind: 'refused', problem: refusalOf(parsed) };
  const { url, connection: wanted } = parsed.param;
  const picked = connections.pick('http', wanted, functionName);
  if (picked.kind === 'missing') return { kind: 'refused', problem: picked.problem };
  const { name, connection } = picked;
  if (new URL(url).protocol === 'http:' && !connection.allowHttp) {
    return { kind: 'refused', problem: `param.url must be an https URL: connection "${name}" does not allow http` };
  }
  if (connection.hosts !== undefined && !connection.hosts.some((host) => matchesHost(new URL(url).hostname, host))) {
    return { kind: 'refused', problem: `param.url must be at a host of connection "${name}": ${connection.hosts.join(', ')}` };
  }
  return { kind: 'resolved', url, name, connection };
}

function matchesHost(hostname: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern;
}

/** The signature comes last, so no header of the connection replaces it. */
function headersOf(connection: ConnectionOf<'http'>, request: DeliveryRequest, at: number): Revealed<string> {
  const own = reveal(connection.headers);
  if (own.kind === 'unreadable') return own;
  const lowerCase = Object.fromEntries(Object.entries(own.texts).map(([name, value]) => [name.toLowerCase(), value]));
  const texts: Record<string, string> = { 'content-type': 'application/json', ...lowerCase, ...traceHeaders(request) };
  if (connection.secret === undefined) return { kind: 'revealed', texts: { ...texts, 'webhook-id': request.deliveryId } };
  const signature = signWebhook(connection.secret, { id: request.deliveryId, body: request.envelope, at });
  return signature.kind === 'unreadable' ? signature : { kind: 'revealed', texts: { ...texts, ...signature.texts } };
}
