import { createHash, createHmac } from 'node:crypto';
import { percentEncode } from './percent-encode.ts';

export type SignableRequest = { method: string; url: string; headers: Record<string, string>; body: string };
export type HuaweiKeys = { accessKeyId: string; secretAccessKey: string };

/** The headers of a request with those that sign it by `SDK-HMAC-SHA256`, as Huawei's API gateway wants it. */
export function signByHuawei(
  request: SignableRequest,
  { accessKeyId, secretAccessKey }: HuaweiKeys,
  now = new Date(),
): Record<string, string> {
  const url = new URL(request.url);
  const date = now.toISOString().replace(/[:-]|\.\d{3}/g, '');
  const headers: Record<string, string> = { ...request.headers, host: url.host, 'x-sdk-date': date };
  const names = Object.keys(headers).sort();
  const canonical = [
    request.method,
    pathOf(url),
    queryOf(url),
    names.map((name) => `${name}:${headers[name]?.trim()}\n`).join(''),
    names.join(';'),
    createHash('sha256').update(request.body).digest('hex'),
  ].join('\n');
  const toSign = ['SDK-HMAC-SHA256', date, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const signature = createHmac('sha256', secretAccessKey).update(toSign).digest('hex');
  return { ...headers, authorization: `SDK-HMAC-SHA256 Access=${accessKeyId}, SignedHeaders=${names.join(';')}, Signature=${signature}` };
}

/** The path always ends with a slash. */
function pathOf({ pathname }: URL): string {
  const path = pathname
    .split('/')
    .map((segment) => percentEncode(decodeURIComponent(segment)))
    .join('/');
  return path.endsWith('/') ? path : `${path}/`;
}

function queryOf({ searchParams }: URL): string {
  const pairs = [...searchParams].map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`);
  return pairs.sort().join('&');
}
