import type { Clock } from '#src/core/ports/clock.ts';
import type { ArchiveStore } from '#src/core/ports/stores/archive.ts';
import { createS3Client, type S3Credentials } from './s3-client.ts';
import type { S3Location } from './s3-location.ts';

/**
 * Stores segments in a bucket, by the protocol of S3. An object appears whole. A conditional put keeps two janitors from creating the
 * same name.
 */
export function createS3Store(location: S3Location, credentials: S3Credentials, clock?: Pick<Clock, 'now'>): ArchiveStore {
  const send = createS3Client(location, credentials, clock);

  async function put(name: string, content: Buffer, headers: Record<string, string>): Promise<Response> {
    const answer = await send({ method: 'PUT', path: location.prefix + name, headers, body: content });
    await answer.arrayBuffer();
    return answer;
  }

  async function read(name: string, headers: Record<string, string> = {}): Promise<Buffer | undefined> {
    const answer = await send({ method: 'GET', path: location.prefix + name, headers });
    const body = Buffer.from(await answer.arrayBuffer());
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw refusal(location, { action: `reading ${name}`, answer, body });
    return body;
  }

  async function readPage(prefix: string, token: string | undefined): Promise<Listing> {
    const query = { 'list-type': '2', prefix: location.prefix + prefix, ...(token === undefined ? {} : { 'continuation-token': token }) };
    const answer = await send({ method: 'GET', path: '', query });
    const body = await answer.text();
    if (!answer.ok) throw refusal(location, { action: 'listing', answer, body });
    return parseListing(body);
  }

  async function isTaken(name: string, content: Buffer): Promise<boolean> {
    const present = await read(name);
    // A put whose answer was lost is retried, and then finds its own object.
    return present !== undefined && !present.equals(content);
  }

  return {
    name: `s3://${location.bucket}/${location.prefix}`,
    async list(prefix) {
      const names: string[] = [];
      for (let token: string | undefined, pages = 0; pages < MAX_PAGES; pages++) {
        const page = await readPage(prefix, token);
        for (const key of page.keys) names.push(key.slice(location.prefix.length));
        token = page.token;
        if (token === undefined) break;
      }
      return names.sort();
    },
    get: (name) => read(name),
    head: (name, bytes) => read(name, { range: `bytes=0-${bytes - 1}` }),
    async create(name, content) {
      // Some stores ignore the condition of a put.
      if (await isTaken(name, content)) return false;
      const answer = await put(name, content, { 'if-none-match': '*' });
      if (answer.ok) return true;
      if ([304, 409, 412].includes(answer.status)) return !(await isTaken(name, content));
      if (![400, 501].includes(answer.status)) throw refusal(location, { action: `writing ${name}`, answer });
      // The store refuses conditional puts. The lease then keeps other janitors from writing.
      const second = await put(name, content, {});
      if (!second.ok) throw refusal(location, { action: `writing ${name}`, answer: second });
      return true;
    },
    async replace(name, content) {
      const answer = await put(name, content, {});
      if (!answer.ok) throw refusal(location, { action: `writing ${name}`, answer });
    },
  };
}

const MAX_PAGES = 10_000;
type Listing = { keys: string[]; token: string | undefined };

function parseListing(xml: string): Listing {
  const keys = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => unescapeXml(key));
  const token = /<NextContinuationToken>([^<]*)</.exec(xml)?.[1];
  return { keys, token: token === undefined ? undefined : unescapeXml(token) };
}

type Refused = { action: string; answer: Response; body?: Buffer | string };

function refusal({ bucket, endpoint }: S3Location, { action, answer: { status }, body = '' }: Refused): Error {
  const code = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(body.toString())?.[1];
  return new Error(`${action} in the bucket ${bucket} of ${endpoint} was refused: ${status}${code === undefined ? '' : ` ${code}`}`);
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? '');
}
