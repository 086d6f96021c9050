import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { type Credential, isSameSecret } from './credentials.ts';
import { rememberByText } from './remember.ts';

/** The vendor's signatures, `SDK-HMAC-SHA256`: what is signed, and whether it is. */

export type SignedRequest = {
  method: string;
  /** The path as it came, still percent-encoded. */
  path: string;
  /** The query as it came, without the question mark. */
  query: string;
  /** The value of a header by its lower-case name. */
  header(name: string): string | undefined;
};

/** The names of the headers that were signed: as they came, and in order. */
type SignedHeaders = { text: string; names: ReadonlySet<string>; sorted: readonly string[] };

export type Authorization = { accessKey: string; signedHeaders: SignedHeaders; signature: string };

const scheme = /^SDK-HMAC-SHA256 Access=([^\s,]{1,128}), ?SignedHeaders=([a-z0-9_-]+(?:;[a-z0-9_-]+)*), ?Signature=([0-9a-f]{64})$/;
const sdkDate = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** How far the date of a signature may be from now. */
export const MAX_SKEW_IN_MS = 15 * 60_000;

/** Takes an `Authorization` header apart; `undefined` when it is of another form. */
export function parseAuthorization(text: string): Authorization | undefined {
  const [, accessKey, headers, signature] = scheme.exec(text) ?? [];
  if (accessKey === undefined || headers === undefined || signature === undefined) return undefined;
  return { accessKey, signedHeaders: readSignedHeaders(headers), signature };
}

/** A caller signs the same ones every time. */
const readSignedHeaders = rememberByText((text): SignedHeaders => {
  const sorted = text.split(';').sort();
  return { text, names: new Set(sorted), sorted };
});

/** Why a request is refused before its body is read, or when it was signed, in milliseconds since the epoch. */
export function checkHeaders(
  { header }: SignedRequest,
  { signedHeaders: { names, sorted } }: Authorization,
  { securityToken }: Credential,
  now: number,
): { signedAt: number } | { problem: string } {
  if (!names.has('x-sdk-date')) return { problem: 'X-Sdk-Date is not among the SignedHeaders' };
  if (names.size < sorted.length) return { problem: 'SignedHeaders names a header twice' };
  const signedAt = parseDate(header('x-sdk-date') ?? '');
  if (signedAt === undefined) return { problem: 'X-Sdk-Date is missing, or not of the form YYYYMMDDTHHMMSSZ' };
  if (Math.abs(now - signedAt) > MAX_SKEW_IN_MS) return { problem: 'X-Sdk-Date differs from the time here by more than 15 minutes' };
  const brought = header('x-security-token');
  if (brought === undefined && securityToken === undefined) return { signedAt };
  if (brought !== undefined && !names.has('x-security-token')) return { problem: 'X-Security-Token is not signed' };
  if (brought === undefined || securityToken === undefined || !isSameSecret(brought, securityToken))
    return { problem: 'X-Security-Token does not belong to the access key' };
  return { signedAt };
}

/** Whether the signature is that of the request with this body. Takes the same time whatever is wrong. */
export function isSignedBy(
  request: SignedRequest,
  { signedHeaders, signature }: Authorization,
  secretKey: string,
  body: Uint8Array,
): boolean {
  const bodyHash = sha256(body);
  const claimed = request.header('x-sdk-content-sha256');
  // Also UNSIGNED-PAYLOAD: a body that nobody signed could be anybody's.
  if (claimed !== undefined && claimed !== bodyHash) return false;
  const canonical = canonicalRequest(request, signedHeaders, bodyHash);
  if (canonical === undefined) return false;
  const text = `SDK-HMAC-SHA256\n${request.header('x-sdk-date')}\n${sha256(canonical)}`;
  const expected = createHmac('sha256', secretKey).update(text).digest();
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
}

/** `undefined` for a path or a query that cannot be decoded, and when a header that is said to be signed is not there. */
function canonicalRequest(
  { method, path, query, header }: SignedRequest,
  { text, sorted }: SignedHeaders,
  bodyHash: string,
): string | undefined {
  try {
    const lines = sorted.map((name) => {
      const value = header(name);
      if (value === undefined) throw new URIError(`${name} is missing`);
      return `${name}:${value.trim()}\n`;
    });
    return [method, canonicalPath(path), canonicalQuery(query), lines.join(''), text, bodyHash].join('\n');
  } catch {
    return undefined;
  }
}

const canonicalPath = rememberByText((path) => {
  const segments = path.split('/').map((segment) => encode(decodeURIComponent(segment)));
  const joined = segments.join('/');
  return joined.endsWith('/') ? joined : `${joined}/`;
});

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').filter((pair) => pair !== '');
  return pairs
    .map((pair): [string, string] => {
      const at = pair.indexOf('=');
      const [key, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      return [encode(decodeQuery(key)), encode(decodeQuery(value))];
    })
    .sort(([oneKey, oneValue], [key, value]) => compare(oneKey, key) || compare(oneValue, value))
    .map(([key, value]) => `${key}=${value}`)
    .join('&');
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function decodeQuery(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** Everything but letters, digits, `-`, `.`, `_` and `~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Dates have whole seconds: thousands of requests say the same. */
const parseDate = rememberByText((text) => {
  const [, year, month, day, hour, minute, second] = sdkDate.exec(text) ?? [];
  if (second === undefined) return undefined;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? undefined : at;
});

function sha256(content: string | Uint8Array): string {
  return hash('sha256', content);
}
