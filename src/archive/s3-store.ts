import { setTimeout as sleep } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { InvalidInputError } from '#src/core/errors.ts';
import type { ArchiveStore } from '#src/core/ports/archive.ts';
import { sha256 } from './segment.ts';

export type S3Location = { bucket: string; prefix: string; endpoint: string; region: string };
export type S3Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

/** Reads `s3://<bucket>/<prefix>?endpoint=<url>&region=<region>`. Throws `InvalidInputError`. */
export function parseS3Location(text: string): S3Location {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bucket = url?.hostname ?? '';
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new InvalidInputError({ field: 'the archive', problem: `names no bucket: ${text}` });
  const region = url?.searchParams.get('region') ?? 'us-east-1';
  const endpoint = url?.searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`;
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new InvalidInputError({ field: "the archive's endpoint", problem: `must be an http or https URL, not ${endpoint}` });
  }
  const prefix = prefixOf(url?.pathname ?? '');
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/`, endpoint: endpoint.replace(/\/+$/, ''), region };
}

function prefixOf(path: string): string {
  try {
    return decodeURIComponent(path).replace(/^\/+|\/+$/g, '');
  } catch (cause) {
    throw new InvalidInputError({ field: 'the archive', problem: `has a prefix that cannot be read: ${path}` }, { cause });
  }
}

const TRIES = 5;
const TIMEOUT_IN_MS = 60_000;

type Sent = {
  method: 'GET' | 'PUT' | 'HEAD';
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Buffer;
};

/**
 * Segments in a bucket, through the protocol of S3. An object appears whole; a conditional put keeps two from taking one name.
 *
 * What fails for a while (no answer, 429, 5xx) is tried again, five times in all; everything here may be repeated.
 */
export function createS3Store(place: S3Location, credentials: S3Credentials): ArchiveStore {
  const base = `${place.endpoint}/${place.bucket}`;

  async function send({ method, path, query = {}, headers = {}, body }: Sent): Promise<Response> {
    const url = `${base}/${path.split('/').map(encodeURIComponent).join('/')}${queryOf(query)}`;
    // Signed with the rest, so that what arrives is what was sent.
    const hashed = { ...headers, 'x-amz-content-sha256': sha256(body ?? '') };
    const signing = { ...credentials, method, url, headers: hashed, service: 's3', region: place.region };
    // A signer takes a body that is there.
    const signed = await new AwsV4Signer(body === undefined ? signing : { ...signing, body: new Uint8Array(body) }).sign();
    return await fetch(signed.url, { ...signed, signal: AbortSignal.timeout(TIMEOUT_IN_MS) });
  }

  async function sendAgain(sent: Sent): Promise<Response> {
    for (let tries = 1; ; tries++) {
      const answer = await send(sent).catch((error: unknown) => {
        if (tries >= TRIES) throw new Error(`${place.endpoint} does not answer`, { cause: error });
        return undefined;
      });
      if (answer !== undefined && (tries >= TRIES || (answer.status < 500 && answer.status !== 429) || answer.status === 501))
        return answer;
      await answer?.body?.cancel();
      await sleep(100 * 2 ** tries);
    }
  }

  async function put(name: string, content: Buffer, headers: Record<string, string>): Promise<Response> {
    const answer = await sendAgain({ method: 'PUT', path: place.prefix + name, headers, body: content });
    await answer.arrayBuffer();
    return answer;
  }

  async function read(name: string, headers: Record<string, string> = {}): Promise<Buffer | undefined> {
    const answer = await sendAgain({ method: 'GET', path: place.prefix + name, headers });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw refusal(place, `reading ${name}`, answer, bytes);
    return bytes;
  }

  async function isTaken(name: string, content: Buffer): Promise<boolean> {
    const present = await read(name);
    // A put whose answer was lost, and that was tried again, finds its own object.
    return present !== undefined && !present.equals(content);
  }

  return {
    name: `s3://${place.bucket}/${place.prefix}`,
    async list(prefix) {
      const names: string[] = [];
      for (let token: string | undefined, pages = 0; pages < 10_000; pages++) {
        const query = { 'list-type': '2', prefix: place.prefix + prefix, ...(token === undefined ? {} : { 'continuation-token': token }) };
        const answer = await sendAgain({ method: 'GET', path: '', query });
        const text = await answer.text();
        if (!answer.ok) throw refusal(place, 'listing', answer, text);
        for (const [, key = ''] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) names.push(unescapeXml(key).slice(place.prefix.length));
        token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1];
        if (token === undefined) break;
        token = unescapeXml(token);
      }
      return names.sort();
    },
    get: (name) => read(name),
    head: (name, bytes) => read(name, { range: `bytes=0-${bytes - 1}` }),
    async create(name, content) {
      // A store may ignore the condition.
      if (await isTaken(name, content)) return false;
      const answer = await put(name, content, { 'if-none-match': '*' });
      if (answer.ok) return true;
      if ([304, 409, 412].includes(answer.status)) return !(await isTaken(name, content));
      if (![400, 501].includes(answer.status)) throw refusal(place, `writing ${name}`, answer);
      // A store that does not know the condition: the lease keeps others away.
      const second = await put(name, content, {});
      if (!second.ok) throw refusal(place, `writing ${name}`, second);
      return true;
    },
    async replace(name, content) {
      const answer = await put(name, content, {});
      if (!answer.ok) throw refusal(place, `writing ${name}`, answer);
    },
  };
}

function queryOf(query: Record<string, string>): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}

function refusal({ bucket, endpoint }: S3Location, what: string, { status }: Response, body: Buffer | string = ''): Error {
  const code = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(body.toString())?.[1];
  return new Error(`${what} in the bucket ${bucket} of ${endpoint} was refused: ${status}${code === undefined ? '' : ` ${code}`}`);
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? '');
}
