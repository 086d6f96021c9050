import { timingSafeEqual } from 'node:crypto';
import { canonicalPath, canonicalQuery, type SignedParts, sha256, signatureOf } from '#src/core/huawei-signature.ts';
import { memoizeByText } from '#src/gateway/http/memoize.ts';
import { type Credential, isSameSecret } from './credentials.ts';

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
const readSignedHeaders = memoizeByText((text): SignedHeaders => {
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
  const parts = partsOf(request, signedHeaders);
  if (parts === undefined) return false;
  const expected = signatureOf({ ...parts, bodyHash }, secretKey);
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
}

/** `undefined` for a path or a query that cannot be decoded, and when a header that is said to be signed is not there. */
function partsOf(
  { method, path, query, header }: SignedRequest,
  { text, sorted }: SignedHeaders,
): Omit<SignedParts, 'bodyHash'> | undefined {
  const headers: [string, string][] = [];
  for (const name of sorted) {
    const value = header(name);
    if (value === undefined) return undefined;
    headers.push([name, value]);
  }
  try {
    const date = header('x-sdk-date') ?? '';
    return { method, path: memoizedPath(path), query: canonicalQuery(query), headers, signedHeaders: text, date };
  } catch {
    return undefined;
  }
}

const memoizedPath = memoizeByText(canonicalPath);

/** Dates have whole seconds: thousands of requests say the same. */
const parseDate = memoizeByText((text) => {
  const [, year, month, day, hour, minute, second] = sdkDate.exec(text) ?? [];
  if (second === undefined) return undefined;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? undefined : at;
});
