import { createHmac, hash } from 'node:crypto';
import { percentEncode } from './text/percent-encode.ts';

/** The signed parts of a request by Huawei's `SDK-HMAC-SHA256`. The gateway verifies such signatures, and destinations create them. */
export type SignedParts = {
  method: string;
  /** By {@link canonicalPath}. */
  path: string;
  /** By {@link canonicalQuery}. */
  query: string;
  /** The signed headers by lower-case name, in the order of the names. */
  headers: readonly (readonly [name: string, value: string])[];
  /** The names of the signed headers as `SignedHeaders` lists them. */
  signedHeaders: string;
  /** SHA-256 of the body, in hexadecimal. */
  bodyHash: string;
  /** The value of X-Sdk-Date. */
  date: string;
};

/** The signature under a secret key: 32 bytes. */
export function signatureOf({ method, path, query, headers, signedHeaders, bodyHash, date }: SignedParts, secretKey: string): Buffer {
  const lines = headers.map(([name, value]) => `${name}:${value.trim()}\n`).join('');
  const canonical = [method, path, query, lines, signedHeaders, bodyHash].join('\n');
  return createHmac('sha256', secretKey)
    .update(`SDK-HMAC-SHA256\n${date}\n${sha256(canonical)}`)
    .digest();
}

/**
 * The signed form of a path: each segment decoded and encoded again, with a slash at the end. Throws `URIError` for a path that cannot be
 * decoded.
 */
export function canonicalPath(path: string): string {
  const joined = path
    .split('/')
    .map((segment) => percentEncode(decodeURIComponent(segment)))
    .join('/');
  return joined.endsWith('/') ? joined : `${joined}/`;
}

/** The signed form of a query: ordered by names, then by values. Throws `URIError` for a query that cannot be decoded. */
export function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').filter((pair) => pair !== '');
  return pairs
    .map((pair): [string, string] => {
      const at = pair.indexOf('=');
      const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      return [percentEncode(decodeQuery(name)), percentEncode(decodeQuery(value))];
    })
    .sort(([oneName, oneValue], [name, value]) => compare(oneName, name) || compare(oneValue, value))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

export function sha256(content: string | Uint8Array): string {
  return hash('sha256', content);
}

function decodeQuery(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
