import { createHash, createHmac } from 'node:crypto';
import type { Received, Reply } from './receiver.ts';

/**
 * Recomputes the signature of a request from its text on the wire, as Huawei's gateway documents it: every segment of the path is encoded,
 * and the path ends in a slash.
 */
function isSignedBy({ ak, sk }: { ak: string; sk: string }, { method, path, headers, body }: Received): boolean {
  const pattern = /^SDK-HMAC-SHA256 Access=(\S+), SignedHeaders=(\S+), Signature=([\da-f]{64})$/;
  const [, key, names = '', signature] = pattern.exec(headers.authorization ?? '') ?? [];
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const lines = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const encoded = path
    .split('/')
    .map((segment) => encodeURIComponent(decodeURIComponent(segment)))
    .join('/');
  const canonical = `${method}\n${encoded}/\n\n${lines.join('')}\n${names}\n${hash(body)}`;
  const expected = createHmac('sha256', sk)
    .update(`SDK-HMAC-SHA256\n${headers['x-sdk-date']}\n${hash(canonical)}`)
    .digest('hex');
  const signed = names.split(';');
  return key === ak && signed.includes('x-sdk-date') && signed.includes('host') && signature === expected;
}

/** Replies to requests that the keys signed, and with 401 to others. */
export const huaweiGateway =
  (keys: { ak: string; sk: string }, reply: Reply): Reply =>
  (response, received, request) =>
    isSignedBy(keys, received) ? reply(response, received, request) : void response.writeHead(401).end('{"error_code":"APIGW.0301"}');
