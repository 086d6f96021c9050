import { canonicalPath, canonicalQuery, sha256, signatureOf } from '#src/core/huawei-signature.ts';
import { signatureDate } from '#src/core/text/signature-date.ts';

export type SignableRequest = { method: string; url: string; headers: Record<string, string>; body: string };
export type HuaweiKeys = { accessKeyId: string; secretAccessKey: string };

/** Adds the headers that sign a request by `SDK-HMAC-SHA256`, the algorithm of Huawei's API gateway. */
export function signByHuawei(
  { method, url: address, headers: given, body }: SignableRequest,
  { accessKeyId, secretAccessKey }: HuaweiKeys,
  at: number,
): Record<string, string> {
  const url = new URL(address);
  const date = signatureDate(at);
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
