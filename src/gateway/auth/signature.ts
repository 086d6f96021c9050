import { timingSafeEqual } from 'node:crypto';
import { canonicalPath, canonicalQuery, type SignedParts, signatureOf } from '#src/core/huawei-signature.ts';
import { memoizeByText } from '#src/gateway/http/memoize.ts';
import { type Credential, isSameSecret } from './credentials.ts';

/** Verifies the vendor's signatures, `SDK-HMAC-SHA256`. */

export type SignedRequest = {
  method: string;
  /** The path of the request, still percent-encoded. */
  path: string;
  /** The query of the request, still percent-encoded and without the question mark. */
  query: string;
  /** The value of a header by its lower-case name. */
  header(name: string): string | undefined;
};

/** The names of the signed headers: as text of the request, as a set, and sorted. */
type SignedHeaders = { text: string; names: ReadonlySet<string>; sorted: readonly string[] };

export type Authorization = { accessKey: string; signedHeaders: SignedHeaders; signature: string };

const scheme = /^SDK-HMAC-SHA256 Access=([^\s,]{1,128}), ?SignedHeaders=([a-z0-9_-]+(?:;[a-z0-9_-]+)*), ?Signature=([0-9a-f]{64})$/;
const sdkDate = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** The largest difference between the date of a signature and the gateway's clock. */
export const MAX_SKEW_IN_MS = 15 * 60_000;

/** Parses an `Authorization` header; `undefined` for any other form. */
export function parseAuthorization(text: string): Authorization | undefined {
  const [, accessKey, headers, signature] = scheme.exec(text) ?? [];
  if (accessKey === undefined || headers === undefined || signature === undefined) return undefined;
  return { accessKey, signedHeaders: readSignedHeaders(headers), signature };
}

/** Memoized, because a caller signs the same headers in every request. */
const readSignedHeaders = memoizeByText((text): SignedHeaders => {
  const sorted = text.split(';').sort();
  return { text, names: new Set(sorted), sorted };
});

/** Checks a request before its body is read. Returns the problem, or the date of the signature in milliseconds since the epoch. */
export function checkHeaders(
  { header }: SignedRequest,
  { authorization, credential }: { authorization: Authorization; credential: Credential },
  now: number,
): { signedAt: number } | { problem: string } {
  const { names } = authorization.signedHeaders;
  const { securityToken } = credential;
  const unsigned = problemOfNames(authorization.signedHeaders, header);
  if (unsigned !== undefined) return { problem: unsigned };
  const signedAt = parseDate(header('x-sdk-date') ?? '');
  if (signedAt === undefined) return { problem: 'X-Sdk-Date is missing, or not of the form YYYYMMDDTHHMMSSZ' };
  if (Math.abs(now - signedAt) > MAX_SKEW_IN_MS) return { problem: "X-Sdk-Date differs from the gateway's clock by more than 15 minutes" };
  const given = header('x-security-token');
  if (given === undefined && securityToken === undefined) return { signedAt };
  if (given !== undefined && !names.has('x-security-token')) return { problem: 'X-Security-Token is not signed' };
  if (given === undefined || securityToken === undefined || !isSameSecret(given, securityToken))
    return { problem: 'X-Security-Token does not belong to the access key' };
  return { signedAt };
}

/** A signature that leaves out the host or the key could be sent again elsewhere, or as another request. */
function problemOfNames({ names, sorted }: SignedHeaders, header: SignedRequest['header']): string | undefined {
  if (!names.has('x-sdk-date')) return 'X-Sdk-Date is not among the SignedHeaders';
  if (!names.has('host')) return 'Host is not among the SignedHeaders';
  if (header('idempotency-key') !== undefined && !names.has('idempotency-key')) return 'Idempotency-Key is not signed';
  return names.size < sorted.length ? 'SignedHeaders names a header twice' : undefined;
}

/** Whether the signature matches the request with a body of this SHA-256. The time of the comparison does not reveal a prefix of the signature. */
export function isSignedBy(
  request: SignedRequest,
  { authorization, secretKey }: { authorization: Authorization; secretKey: string },
  bodyHash: string,
): boolean {
  const { signedHeaders, signature } = authorization;
  const claimed = request.header('x-sdk-content-sha256');
  // This also refuses UNSIGNED-PAYLOAD: any caller could replace an unsigned body.
  if (claimed !== undefined && claimed !== bodyHash) return false;
  const parts = partsOf(request, signedHeaders);
  if (parts === undefined) return false;
  const expected = signatureOf({ ...parts, bodyHash }, secretKey);
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
}

/** The signed parts of a request; `undefined` if the path or query cannot be decoded, or if a signed header is missing. */
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

/** Memoized, because dates have whole seconds: thousands of requests have the same date. */
const parseDate = memoizeByText((text) => {
  const [, year, month, day, hour, minute, second] = sdkDate.exec(text) ?? [];
  if (second === undefined) return undefined;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? undefined : at;
});
