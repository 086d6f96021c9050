import { createHash, createHmac } from 'node:crypto';

export type Unsigned = { method: string; path: string; query?: Record<string, string>; headers: Record<string, string>; body: string };

/** Signs as the vendor's documentation describes, independently of the gateway's verifier. */
export function sign({ method, path, query = {}, headers, body }: Unsigned, { ak, sk }: { ak: string; sk: string }): string {
  const percentEncode = (text: string): string =>
    [...Buffer.from(text)]
      .map((byte) =>
        /[\w.~-]/.test(String.fromCharCode(byte)) && byte < 128
          ? String.fromCharCode(byte)
          : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      )
      .join('');
  const names = Object.keys(headers).sort();
  const uri = `${path
    .split('/')
    .map((part) => percentEncode(decodeURIComponent(part)))
    .join('/')}${path.endsWith('/') ? '' : '/'}`;
  const sorted = Object.keys(query)
    .sort()
    .map((key) => `${percentEncode(key)}=${percentEncode(query[key] ?? '')}`)
    .join('&');
  let canonical = `${method}\n${uri}\n${sorted}\n`;
  for (const name of names) canonical += `${name}:${headers[name]}\n`;
  canonical += `\n${names.join(';')}\n${createHash('sha256').update(body).digest('hex')}`;
  const toSign = ['SDK-HMAC-SHA256', headers['x-sdk-date'], createHash('sha256').update(canonical).digest('hex')].join('\n');
  return `SDK-HMAC-SHA256 Access=${ak}, SignedHeaders=${names.join(';')}, Signature=${createHmac('sha256', sk).update(toSign).digest('hex')}`;
}

export function sdkDate(at: number): string {
  return new Date(at)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
}
