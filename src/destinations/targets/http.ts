import { z } from 'zod';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import type { DeliveryRequest, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { isLoopbackUrl, PORTS, portOf, refusalOfAddress } from '#src/destinations/http/vetted-http.ts';
import { originOf, type Reach, type VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { ConnectionOf, Connections } from './connection.ts';
import { connectionName, parseParam, refusalOf } from './param.ts';
import { createResolvedTarget, type Refused } from './resolved-target.ts';
import { type Revealed, reveal } from './secret.ts';
import { traceHeaders } from './trace-headers.ts';
import { unusable, verdictOf } from './verdict.ts';
import { signWebhook } from './webhook-signature.ts';

const httpParamSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .max(2_048)
    .refine((text) => !/^\w+:\/*[^/?#]*@/.test(text), 'must not hold a user or a password'),
  connection: connectionName,
});

type Resolved = { kind: 'resolved'; url: string; name: string; connection: ConnectionOf<'http'>; reach: Reach };

/** Posts the envelope to a URL: a webhook, signed by Standard Webhooks when the connection has a secret. */
type HttpPorts = { connections: Connections; http: VettedHttp; clock?: Pick<Clock, 'now'> };

export function createHttpTarget({ connections, http, clock = systemClock }: HttpPorts): DestinationTarget {
  return createResolvedTarget<Resolved>({
    kind: 'HTTP',
    resolve: (param, functionName) => resolve(param, connections, functionName),
    limitKeyOf: ({ url }) => `HTTP ${originOf(url)}`,
    async deliver({ url, name, connection, reach }, request, signal) {
      const headers = headersOf(connection, request, clock.now());
      if (headers.kind === 'unreadable') return unusable(name, headers.problem);
      const answer = await http.send({ method: 'POST', url, headers: headers.texts, body: request.envelope, reach }, signal);
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
  const reach = reachOf(connection, new URL(url));
  const refused = refusalOfUrl(new URL(url), { name, connection, reach });
  if (refused === undefined) return { kind: 'resolved', url, name, connection, reach };
  const { problem, fields } = refused;
  return {
    kind: 'refused',
    problem: fields === undefined ? problem : problem + connections.hint({ name, kind: 'http', functionName, fields }),
  };
}

/** The default connection reaches the loopback interface only by a URL that names it, there by http and at any port. */
function reachOf({ allowLoopback, ...connection }: ConnectionOf<'http'>, url: URL): Reach {
  return allowLoopback && isLoopbackUrl(url) ? { ...connection, allowLoopback, allowHttp: true, ports: 'any' } : connection;
}

/** Why a connection does not permit a URL, and the fields of a connection that would. */
function refusalOfUrl(
  url: URL,
  { name, connection, reach }: { name: string; connection: ConnectionOf<'http'>; reach: Reach },
): { problem: string; fields?: object } | undefined {
  const { hosts, ports } = connection;
  const host = refusalOfAddress(url, { ...reach, ports: 'any' });
  const address = host ?? refusalOfAddress(url, reach);
  const needed = {
    ...(url.protocol === 'http:' && !reach.allowHttp ? { allowHttp: true } : {}),
    ...(host?.needs === 'allowPrivate' ? { allowPrivate: true } : {}),
    ...(PORTS[url.protocol]?.includes(portOf(url)) || ports.includes(portOf(url)) ? {} : { ports: [...ports, portOf(url)] }),
  };
  if ('allowHttp' in needed) return { problem: `param.url must be an https URL: connection "${name}" does not allow http`, fields: needed };
  if (hosts !== undefined && !hosts.some((host) => matchesHost(url.hostname, host)))
    return {
      problem: `param.url must be at a host of connection "${name}": ${hosts.join(', ')}`,
      fields: { hosts: [...hosts, url.hostname] },
    };
  if (address === undefined) return undefined;
  const problem = `param.url may not be used: ${address.reason} by connection "${name}"`;
  return host?.needs === 'nothing' ? { problem } : { problem, fields: needed };
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
