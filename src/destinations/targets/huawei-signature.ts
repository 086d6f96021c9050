import { canonicalPath, canonicalQuery, sha256, signatureOf } from '#src/core/huawei-signature.ts';

export type SignableRequest = { method: string; url: string; headers: Record<string, string>; body: string };
export type HuaweiKeys = { accessKeyId: string; secretAccessKey: string };

/** The headers of a request with those that sign it by `SDK-HMAC-SHA256`, as Huawei's API gateway wants it. */
export function signByHuawei(
  { method, url: address, headers: given, body }: SignableRequest,
  { accessKeyId, secretAccessKey }: HuaweiKeys,
  now = new Date(),
): Record<string, string> {
  const url = new URL(address);
  const date = now.toISOString().replace(/[:-]|\.\d{3}/g, '');
  const headers: Record<string, string> = { ...given, host: url.host, 'x-sdk-date': date };
  const sorted = Object.keys(headers).sort();
  const signedHeaders = sorted.join(';');
  const signature = signatureOf(
    {
      method,
      path: canonicalPath(url.pathname),
      query: canonicalQuery(url.search.slice(1)),
      headers: sorted.map((name) => [name, headers[name] ?? '']),
      signedHeaders,
      bodyHash: sha256(body),
      date,
    },
    secretAccessKey,
  ).toString('hex');
  return { ...headers, authorization: `SDK-HMAC-SHA256 Access=${accessKeyId}, SignedHeaders=${signedHeaders}, Signature=${signature}` };
}
