import type { LookupAddress } from 'node:dns';
import { lookup as lookupHost } from 'node:dns/promises';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as requestByHttp } from 'node:http';
import { request as requestByHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isHeaderName, isHeaderValue } from '#src/core/names/headers.ts';
import { quote } from '#src/core/names/names.ts';
import { classOf } from './address-classes.ts';
import { type Answer, originOf, type Reach, type VettedHttp, type VettedRequest } from './vetted-request.ts';

/** The addresses of a host name. */
export type ResolveHost = (host: string) => Promise<LookupAddress[]>;

export type VettedHttpOptions = {
  resolve?: ResolveHost;
  /** Certificate authorities to trust instead of Node's. */
  ca?: string;
  /** The largest part of an answer's body that is read; 64 KB by default. */
  maxBodyBytes?: number;
};

const MAX_BODY_BYTES = 65_536;
/** The ports that every reach permits. */
export const PORTS: Record<string, readonly number[]> = { 'https:': [443, 8443], 'http:': [80, 8080] };

/**
 * An HTTP client for addresses that users choose. No request reaches the network of Sequent itself (U2):
 *
 * 1. The lookup of each connection vets every address that the host resolves to. The vetted address is the connected address, so a name
 *    that changes its address meanwhile gains nothing.
 * 2. An address in the URL itself is vetted too. The URL parser converts other forms (decimal, octal, hexadecimal, full-width digits) to
 *    the usual one.
 * 3. No redirect is followed, no proxy is used, and no connection is reused.
 * 4. The duration of the exchange and the size of the answer's body are limited.
 */
export function createVettedHttp({ resolve = resolveHost, ca, maxBodyBytes = MAX_BODY_BYTES }: VettedHttpOptions = {}): VettedHttp {
  return {
    async send(request, signal) {
      const reason = refusalOf(request);
      if (reason !== undefined) return { kind: 'refused', reason };
      return exchange(() => open(request, { resolve, ca }), { ...request, maxBodyBytes }, signal);
    },
  };
}

/** The reason why a request is refused before its host is resolved. */
function refusalOf({ url: text, reach, headers }: VettedRequest): string | undefined {
  if (!URL.canParse(text)) return 'the URL is not valid';
  const url = new URL(text);
  if (!(url.protocol === 'https:' || (url.protocol === 'http:' && reach.allowHttp))) {
    return `only ${reach.allowHttp ? 'http and https' : 'https'} may be used, not ${url.protocol.slice(0, -1)}`;
  }
  if (url.username !== '' || url.password !== '') return 'the URL must not hold a user or a password';
  const unnamed = Object.keys(headers).find((name) => !isHeaderName(name));
  if (unnamed !== undefined) return `${quote(unnamed)} is no name of a header`;
  const header = Object.keys(headers).find((name) => !isHeaderValue(headers[name] ?? ''));
  if (header !== undefined) return `the header ${header} is not a text of one line`;
  return refusalOfAddress(url, reach)?.reason;
}

/** What a URL asks for that its reach does not permit. `needs` names the field of a reach that would. */
export type RefusedAddress = { reason: string; needs: 'ports' | 'allowPrivate' | 'nothing' };

/** Vets the port, and the host when it is an address or a name of this machine. The lookup vets the addresses of other names. */
export function refusalOfAddress(url: URL, reach: Reach): RefusedAddress | undefined {
  const port = portOf(url);
  if (reach.ports !== 'any' && !PORTS[url.protocol]?.includes(port) && !reach.ports.includes(port))
    return { reason: `port ${port} is not allowed`, needs: 'ports' };
  const host = hostOf(url);
  if (isIP(host) === 0) {
    const isLocal = /(?:^|\.)localhost\.?$/.test(host);
    return !isLocal || reach.allowPrivate || (reach.allowLoopback && host === 'localhost')
      ? undefined
      : { reason: notPublic(host), needs: 'allowPrivate' };
  }
  if (canReach(host, reach)) return undefined;
  return { reason: notPublic(host), needs: classOf(host) === 'private' ? 'allowPrivate' : 'nothing' };
}

export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}

/** Whether a URL itself names the loopback interface. */
export function isLoopbackUrl(url: URL): boolean {
  const host = hostOf(url);
  return host === 'localhost' || isLoopbackAddress(host);
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/** The host of a URL; an IPv6 address is without its brackets. */
function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

function canReach(address: string, { allowPrivate, allowLoopback }: Reach): boolean {
  const addressClass = classOf(address);
  if (addressClass !== 'private') return addressClass === 'public';
  return allowPrivate || (allowLoopback === true && isLoopbackAddress(address));
}

/** The sentence names no address of the host: the user who configured the URL must not learn addresses of an internal network. */
function notPublic(host: string): string {
  return `${host} is not at a public address`;
}

function open(
  { url: text, method, headers, body, reach }: VettedRequest,
  { resolve, ca }: { resolve: ResolveHost; ca: string | undefined },
): ClientRequest {
  const url = new URL(text);
  const request = url.protocol === 'https:' ? requestByHttps : requestByHttp;
  const sent = request(url, {
    method,
    agent: false,
    lookup: vettedLookup(resolve, reach),
    headers: { 'user-agent': 'sequent', ...headers, 'content-length': Buffer.byteLength(body) },
    ...(ca === undefined ? {} : { ca }),
  });
  // An error after the start of the answer also ends the answer, which reports it.
  sent.on('error', () => {});
  sent.end(body);
  return sent;
}

async function exchange(
  open: () => ClientRequest,
  { url, reach, maxBodyBytes }: VettedRequest & { maxBodyBytes: number },
  signal: AbortSignal,
): Promise<Answer> {
  const origin = originOf(url);
  if (signal.aborted) return aborted(origin);
  const sent = open();
  const stopped = new AbortController();
  const stop = () => {
    stopped.abort();
    sent.destroy();
  };
  const timer = setTimeout(stop, reach.timeoutInMs);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [answer] = (await once(sent, 'response', { signal: stopped.signal })) as [IncomingMessage];
    return { kind: 'answered', status: answer.statusCode ?? 0, headers: answer.headers, ...(await read(answer, maxBodyBytes)) };
  } catch (error) {
    if (signal.aborted) return aborted(origin);
    if (stopped.signal.aborted) return { kind: 'timed-out', reason: `${origin} did not answer within ${reach.timeoutInMs} ms` };
    if (error instanceof ForbiddenAddressError) return { kind: 'refused', reason: error.message };
    return { kind: 'unreachable', reason: `${origin} cannot be reached (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})` };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    sent.destroy();
  }
}

function aborted(origin: string): Answer {
  return { kind: 'unreachable', reason: `the request to ${origin} was given up` };
}

/** Reads the body until its end, the limit, or the end of the connection. */
function read(answer: IncomingMessage, maxBodyBytes: number): Promise<{ body: string; isComplete: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    const finish = (isComplete: boolean) => resolve({ body: Buffer.concat(chunks).toString('utf8', 0, maxBodyBytes), isComplete });
    answer.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBodyBytes) finish(false);
    });
    answer.on('end', () => finish(answer.complete));
    answer.on('error', () => finish(false));
    answer.on('close', () => finish(false));
  });
}

/** A host resolves to a forbidden address. */
class ForbiddenAddressError extends Error {}

/** The lookup of one connection. One forbidden address refuses the whole host. */
function vettedLookup(resolve: ResolveHost, reach: Reach): LookupFunction {
  return (host, options, callback) => {
    resolve(host).then(
      (addresses) => {
        const [first] = addresses;
        const isForbidden = addresses.some(({ address }) => !canReach(address, reach));
        if (first === undefined || isForbidden) callback(new ForbiddenAddressError(notPublic(host)), '', 0);
        else if (options.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };
}

function resolveHost(host: string): Promise<LookupAddress[]> {
  return lookupHost(host, { all: true });
}
