import { HttpError } from '#src/gateway/http/http-error.ts';
import { memoizeByText } from '#src/gateway/http/memoize.ts';
import type { Call, OriginGuard } from '#src/gateway/ports.ts';

/*
 * Refuses requests from pages of other origins, by the rules (B1), (B2), (B3) and (B4) of src/DESIGN.md. A browser reaches every host that
 * its user can reach, so neither loopback nor a firewall protects a gateway from a page that the user opens.
 *
 * Rule B1 prevents DNS rebinding: a DNS name of an attacker may resolve to this machine. A browser connects by TLS only to the names of the
 * certificate, so these names are the gateway's own. Rule B2 compares the origin with the scheme and the Host, or with a configured origin.
 */

export type OriginOptions = {
  /** Whether no credentials are configured. Then B1 accepts the names of loopback and the configured origins only. */
  isOpen: boolean;
  /** The host that HTTP is served on. */
  host: string;
  /** Further origins of this gateway, such as `https://sequent.example`: the names by which reverse proxies serve it. */
  origins: readonly string[];
  /** Whether the TLS certificate of the gateway is for a host name; without it, the gateway has none. */
  isCertified?: ((hostname: string) => boolean) | undefined;
};

/** A browser always names the port that it connects to, so B2 separates ports, and a forwarded port needs no configuration. */
const PORT = '(?::\\d{1,5})?$';
const loopback = new RegExp(`^(?:localhost|127(?:\\.\\d{1,3}){3}|\\[::1\\])${PORT}`);
/** An address needs no name resolution, so it cannot be rebound. */
const address = new RegExp(`^(?:\\d{1,3}(?:\\.\\d{1,3}){3}|\\[[\\da-f:.]+\\])${PORT}`);
const json = /^application\/(?:[\w.-]+\+)?json *(?:;|$)/i;
const ownSites: ReadonlySet<string> = new Set(['same-origin', 'none']);
const reading: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isReading(method: string): boolean {
  return reading.has(method);
}

export function createOriginGuard({ isOpen, host: listenHost, origins, isCertified = () => false }: OriginOptions): OriginGuard {
  const ownOrigins = new Set(origins);
  const ownHosts = new Set(origins.map((origin) => new URL(origin).host));
  const isOwnHost = memoizeByText((host) => {
    if (loopback.test(host) || ownHosts.has(host) || host.replace(/:\d+$/, '') === listenHost) return true;
    return !isOpen && address.test(host);
  });

  // Behind a proxy that terminates TLS, the same name without TLS is another origin.
  function isOwnOrigin(origin: string, host: string, url: string): boolean {
    const scheme = url.startsWith('https:') ? 'https' : 'http';
    return ownOrigins.has(origin) || (origin === `${scheme}://${host}` && !ownHosts.has(host));
  }

  /** Rule B1: with credentials, a request that is neither from a page nor anonymous may use any name. */
  function isAllowedHost(call: Call, host: string, isFromPage: boolean): boolean {
    return isOwnHost(host) || isCertified(host.replace(/:\d+$/, '')) || (!isOpen && !isFromPage && bringsCredential(call));
  }

  return (call) => {
    const { req } = call;
    const host = (req.header('host') ?? new URL(req.url).host).toLowerCase();
    const origin = req.header('origin');
    const site = req.header('sec-fetch-site');
    const isFromPage = origin !== undefined || site !== undefined;
    if (!isAllowedHost(call, host, isFromPage)) throw unknownHost();
    if (origin !== undefined && !isOwnOrigin(origin, host, req.url)) throw otherOrigin();
    if (site !== undefined && !ownSites.has(site) && !opensDocument(call)) throw otherOrigin();
    if (!isReading(req.method)) checkType(call, isFromPage);
  };
}

function checkType(call: Call, isFromPage: boolean): void {
  if (hasJsonBody(call)) return;
  if (isFromPage || call.req.header('cookie') !== undefined) throw otherType();
}

/** Whether a header of the request contains a credential. A page of another origin cannot set such a header. */
export function bringsCredential({ req }: Call): boolean {
  return req.header('authorization') !== undefined || req.header('x-auth-token') !== undefined;
}

function opensDocument({ req }: Call): boolean {
  return req.method === 'GET' && req.header('sec-fetch-mode') === 'navigate' && req.header('sec-fetch-dest') === 'document';
}

/** Whether the body is JSON or absent. */
function hasJsonBody({ req }: Call): boolean {
  const type = req.header('content-type');
  if (type !== undefined) return json.test(type);
  return (req.header('content-length') ?? '0') === '0' && req.header('transfer-encoding') === undefined;
}

function unknownHost(): HttpError {
  const message =
    'the Host header does not name this gateway; if the gateway is reached by that name, list its origin in SEQUENT_HTTP_ORIGINS';
  return new HttpError({ status: 403, message });
}

function otherOrigin(): HttpError {
  const message =
    'the gateway answers pages of its own origin only (Origin, Sec-Fetch-Site); list the origin of a reverse proxy in SEQUENT_HTTP_ORIGINS';
  return new HttpError({ status: 403, message });
}

function otherType(): HttpError {
  return new HttpError({ status: 415, message: 'a browser must send its body as Content-Type: application/json' });
}
