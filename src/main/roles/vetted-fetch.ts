import { STATUS_CODES } from 'node:http';
import type { Reach, VettedHttp } from '#src/destinations/http/vetted-request.ts';
import { EndpointRefusedError, type Fetch } from '#src/hosts/remote/http-host.ts';

/** The host for HTTP handlers ends a request after the timeout of the function. */
const UNLIMITED_MS = 2 ** 31 - 1;
/** Public addresses at the default ports. */
const PUBLIC: Reach = { allowPrivate: false, allowHttp: true, ports: [], timeoutInMs: UNLIMITED_MS };
/** Headers of the connection itself. A user who could set them could reach another host or smuggle a request. */
const CONNECTION_HEADERS = /^(?:host|connection|content-length|transfer-encoding|expect|upgrade|te|trailer|keep-alive)$/i;
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** What `--http-handlers` permits: every private address, none, or these hosts. */
export type HttpHandlers = 'private' | 'public' | readonly string[];

/**
 * The reach of HTTP handlers of the own project: public addresses, and the private ones that the operator permits, at every port. Addresses
 * of metadata services and link-local addresses are never reached.
 */
export function ownReach(permitted: HttpHandlers): (url: string) => Reach {
  const isPermitted = (url: string) =>
    permitted === 'private' || (permitted !== 'public' && URL.canParse(url) && permitted.includes(new URL(url).hostname));
  return (url) => ({ allowPrivate: isPermitted(url), allowHttp: true, ports: 'any', timeoutInMs: UNLIMITED_MS });
}

/** POSTs to URLs that users choose, with the client that checks every address (rules of `createVettedHttp`). */
export function createVettedFetch(http: VettedHttp, reachFor: (url: string) => Reach = () => PUBLIC): Fetch {
  return async (url, { body, headers, signal }) => {
    const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => !CONNECTION_HEADERS.test(name)));
    const answer = await http.send({ method: 'POST', url, headers: sent, body, reach: reachFor(url) }, signal);
    if (answer.kind === 'refused') throw new EndpointRefusedError(answer.reason);
    if (answer.kind !== 'answered') throw new Error(answer.reason);
    const { status } = answer;
    const { 'retry-after': retryAfter } = answer.headers;
    return new Response(WITHOUT_BODY.has(status) ? null : answer.body, {
      status,
      statusText: STATUS_CODES[status] ?? '',
      headers: typeof retryAfter === 'string' ? { 'retry-after': retryAfter } : {},
    });
  };
}
