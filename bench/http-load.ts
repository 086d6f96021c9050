import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { sdkDate, sign } from '#test/support/gateway/signer.ts';

/** What the load process is asked for. */
export type LoadOptions = {
  url: string;
  path: string;
  body: string;
  auth: { token?: string; keys?: { ak: string; sk: string } };
  /** Each holds one request at a moment, and is kept alive. */
  connections: number;
  seconds: number;
  /** Node's own client, as a caller would use it; or bytes through sockets, which cost next to nothing. */
  client: 'http' | 'sockets';
};
export type LoadResult = { answered: number; seconds: number } | { problem: string };

/** More than a gateway answers in a second. */
const MOST_PER_SECOND = 30_000;
let nonces = 0;

process.on('message', (order: LoadOptions) => {
  run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ problem: String(error) } satisfies LoadResult),
  );
});

async function run(order: LoadOptions): Promise<LoadResult> {
  const ask = order.client === 'http' ? httpAsker(order) : socketAsker(order);
  const startedAt = performance.now();
  const until = startedAt + order.seconds * 1_000;
  const counts = await Promise.all(Array.from({ length: order.connections }, () => ask(until)));
  return { answered: counts.reduce((sum, count) => sum + count, 0), seconds: (performance.now() - startedAt) / 1_000 };
}

/** Asks on a connection of its own, one request after the other, until that moment; resolves to how many were answered. */
type Asker = (until: number) => Promise<number>;

function httpAsker({ url, path, body, connections, auth: { token } }: LoadOptions): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, timeout: 1_000 });
  const headers = {
    'content-type': 'application/json',
    'content-length': body.length,
    ...(token === undefined ? {} : { 'x-auth-token': token }),
  };
  const askOnce = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request(url + path, { method: 'POST', agent, headers }, (reply) => {
        if (reply.statusCode !== 202) reject(new Error(`it was answered with ${reply.statusCode}`));
        reply.resume().on('end', resolve);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  return async (until) => {
    let answered = 0;
    for (; performance.now() < until; answered++) await askOnce();
    return answered;
  };
}

function socketAsker(order: LoadOptions): Asker {
  const nextRequest = requestsOf(order);
  return (until) => keepAsking(connect(addressOf(order.url)), nextRequest, until);
}

function keepAsking(socket: Socket, nextRequest: () => Buffer, until: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let answered = 0;
    let text = '';
    socket.setNoDelay(true);
    socket.on('connect', () => socket.write(nextRequest()));
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const end = endOfReply(text);
      if (end === undefined) return;
      if (!text.startsWith('HTTP/1.1 202 ')) return reject(new Error(text.slice(0, 500)));
      text = text.slice(end);
      answered++;
      if (performance.now() < until) socket.write(nextRequest());
      else {
        socket.destroy();
        resolve(answered);
      }
    });
  });
}

function endOfReply(text: string): number | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const end = headEnd + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
  return text.length < end ? undefined : end;
}

/** The bytes of the next request. Signed ones are all made before: a signature costs as much as an answer. */
function requestsOf({ url, path, body, auth: { token, keys }, seconds }: LoadOptions): () => Buffer {
  const host = new URL(url).host;
  const render = (headers: Readonly<Record<string, string>>): Buffer => {
    const lines = Object.entries({ host, 'content-type': 'application/json', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  if (keys === undefined) {
    const request = render(token === undefined ? {} : { 'x-auth-token': token });
    return () => request;
  }
  const signed = Array.from({ length: Math.ceil(seconds * MOST_PER_SECOND) }, () => {
    const headers = { 'content-type': 'application/json', host, 'x-nonce': String(nonces++), 'x-sdk-date': sdkDate(Date.now()) };
    return render({ ...headers, authorization: sign({ method: 'POST', path, headers, body }, keys) });
  });
  let next = 0;
  return () => signed[next++] as Buffer;
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
