import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { openReceiver, type Received, type Receiver } from './receiver.ts';

/*
 * A minimal S3 store that verifies signatures, which moto does not. The store recomputes the signature of every request (SigV4) from the
 * text on the wire, and refuses a request whose signature differs.
 */

type Keys = { accessKeyId: string; secretAccessKey: string; region: string };
export type StoreOptions = {
  keys: Keys;
  /** How the store treats `If-None-Match`. */
  condition?: 'obeyed' | 'ignored' | 'refused';
};

export interface Store extends Receiver {
  readonly objects: ReadonlyMap<string, Received>;
}

export async function openSigningStore({ keys, condition = 'obeyed' }: StoreOptions): Promise<Store> {
  const objects = new Map<string, Received>();
  const receiver = await openReceiver((response, received) => {
    const code = refusalOf(received, keys);
    const [status, content] = code === undefined ? serve(received, objects, condition) : ([403, code] as const);
    const isRefused = status >= 300;
    response.writeHead(status).end(isRefused ? `<Error><Code>${content}</Code><Key>${keys.secretAccessKey}</Key></Error>` : content);
  });
  return Object.assign(receiver, { objects });
}

type Objects = Map<string, Received>;

/** The status of the answer with its content, or with the code of the refusal. */
function serve(received: Received, objects: Objects, condition: StoreOptions['condition']): readonly [number, string | Buffer] {
  if (!received.path.startsWith('/known/')) return [404, 'NoSuchBucket'];
  return received.method === 'GET' ? read(received, objects) : write(received, objects, condition);
}

function write(received: Received, objects: Objects, condition: StoreOptions['condition']): readonly [number, string] {
  const isConditional = received.headers['if-none-match'] !== undefined;
  if (isConditional && condition === 'refused') return [501, 'NotImplemented'];
  if (isConditional && condition === 'obeyed' && objects.has(received.path)) return [412, 'PreconditionFailed'];
  objects.set(received.path, received);
  return [200, ''];
}

function read({ path, headers }: Received, objects: Objects): readonly [number, string | Buffer] {
  // A list contains every object of the bucket, whatever its prefix.
  if (path.includes('?list-type='))
    return [200, [...objects.keys()].map((one) => `<Key>${decodeURIComponent(one.slice(7))}</Key>`).join('')];
  const found = objects.get(path)?.bytes;
  const end = /^bytes=0-(\d+)$/.exec(headers.range ?? '')?.[1];
  return found === undefined ? [404, 'NoSuchKey'] : [200, end === undefined ? found : found.subarray(0, Number(end) + 1)];
}

function refusalOf(received: Received, { accessKeyId, secretAccessKey, region }: Keys): string | undefined {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([\da-f]{64})$/;
  const [, key, day = '', scope, names = '', signature = ''] = pattern.exec(received.headers.authorization ?? '') ?? [];
  if (key !== accessKeyId || scope !== region) return 'InvalidAccessKeyId';
  const date = String(received.headers['x-amz-date']);
  const bodyHash = sha256(received.bytes);
  if (!names.split(';').includes('if-none-match') && received.headers['if-none-match'] !== undefined) return 'AccessDenied';
  if (received.headers['x-amz-content-sha256'] !== bodyHash || !date.startsWith(day)) return 'SignatureDoesNotMatch';
  const headers = names.split(';').map((name) => `${name}:${String(received.headers[name]).trim()}\n`);
  const [path = '', query = ''] = received.path.split('?');
  const sorted = query.split('&').sort().join('&').replaceAll('+', '%20');
  const canonical = [received.method, path, sorted, headers.join(''), names, bodyHash].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, `${day}/${region}/s3/aws4_request`, sha256(canonical)].join('\n');
  const signingKey = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (from, part) => hmac(from, part),
    `AWS4${secretAccessKey}`,
  );
  const expected = hmac(signingKey, toSign);
  return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? undefined : 'SignatureDoesNotMatch';
}

function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
