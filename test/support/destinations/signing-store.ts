import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { openReceiver, type Received, type Receiver } from './receiver.ts';

/*
 * An S3 store in small that does what the stand-ins leave out: it recomputes the signature of every request (SigV4) from
 * the text on the wire, and refuses a request whose signature differs.
 */

export type Keys = { accessKeyId: string; secretAccessKey: string; region: string };
export type StoreOptions = {
  keys: Keys;
  /** What it makes of `If-None-Match`. */
  condition?: 'obeyed' | 'ignored' | 'refused';
};

export interface Store extends Receiver {
  readonly objects: ReadonlyMap<string, Received>;
}

export async function openSigningStore({ keys, condition = 'obeyed' }: StoreOptions): Promise<Store> {
  const objects = new Map<string, Received>();
  const receiver = await openReceiver((response, received) => {
    const refuse = (status: number, code: string) =>
      response.writeHead(status).end(`<Error><Code>${code}</Code><Key>${keys.secretAccessKey}</Key></Error>`);
    const isConditional = received.headers['if-none-match'] !== undefined;
    const refusal = refusalOf(received, keys);
    if (refusal !== undefined) refuse(403, refusal);
    else if (isConditional && condition === 'refused') refuse(501, 'NotImplemented');
    else if (!received.path.startsWith('/known/')) refuse(404, 'NoSuchBucket');
    else if (isConditional && condition === 'obeyed' && objects.has(received.path)) refuse(412, 'PreconditionFailed');
    else {
      objects.set(received.path, received);
      response.writeHead(200).end();
    }
  });
  return Object.assign(receiver, { objects });
}

function refusalOf(received: Received, { accessKeyId, secretAccessKey, region }: Keys): string | undefined {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([\da-f]{64})$/;
  const [, key, day = '', place, names = '', signature = ''] = pattern.exec(received.headers.authorization ?? '') ?? [];
  if (key !== accessKeyId || place !== region) return 'InvalidAccessKeyId';
  const date = String(received.headers['x-amz-date']);
  const bodyHash = sha256(received.body);
  if (!names.split(';').includes('if-none-match') && received.headers['if-none-match'] !== undefined) return 'AccessDenied';
  if (received.headers['x-amz-content-sha256'] !== bodyHash || !date.startsWith(day)) return 'SignatureDoesNotMatch';
  const headers = names.split(';').map((name) => `${name}:${String(received.headers[name]).trim()}\n`);
  const canonical = [received.method, received.path, '', headers.join(''), names, bodyHash].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, `${day}/${region}/s3/aws4_request`, sha256(canonical)].join('\n');
  const signingKey = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (from, part) => hmac(from, part),
    `AWS4${secretAccessKey}`,
  );
  const expected = hmac(signingKey, toSign);
  return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? undefined : 'SignatureDoesNotMatch';
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
