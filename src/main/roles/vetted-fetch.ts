import type { Reach, VettedHttp } from '#src/destinations/http/vetted-request.ts';
import { EndpointRefusedError, type Fetch } from '#src/hosts/http-host.ts';

/** Public addresses at the default ports. The host for HTTP handlers ends a request after the timeout of the function. */
const PUBLIC: Reach = { allowPrivate: false, allowHttp: true, ports: [], timeoutInMs: 2 ** 31 - 1 };
/** Headers of the connection itself. A user who could set them could reach another host or smuggle a request. */
const CONNECTION_HEADERS = /^(?:host|connection|content-length|transfer-encoding|expect|upgrade|te|trailer|keep-alive)$/i;
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** POSTs to URLs of other projects with the client that checks every address (rules of `createVettedHttp`). */
export function createVettedFetch(http: VettedHttp, reach: Reach = PUBLIC): Fetch {
  return async (url, { body, headers, signal }) => {
    const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => !CONNECTION_HEADERS.test(name)));
    const answer = await http.send({ method: 'POST', url, headers: sent, body, reach }, signal);
    if (answer.kind === 'refused') throw new EndpointRefusedError(answer.reason);
    if (answer.kind !== 'answered') throw new Error(answer.reason);
    return new Response(WITHOUT_BODY.has(answer.status) ? null : answer.body, { status: answer.status });
  };
}
