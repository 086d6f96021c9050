import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { sdkDate, sign } from '#test/support/gateway/signer.ts';

/** The options of the load process. */
export type LoadOptions = {
  url: string;
  path: string;
  body: string;
  auth: { token?: string; keys?: { ak: string; sk: string } };
  /** Keep-alive connections, each with one request in flight. */
  connections: number;
  seconds: number;
  /** Node's own client, as callers use it; or bytes through sockets, whose cost is negligible. */
  client: 'http' | 'sockets';
};
export type LoadResult = { answered: number; seconds: number } | { problem: string };

/** More than a gateway answers in a second. */
const MAX_PER_SECOND = 30_000;
let nonces = 0;

process.on('message', (options: LoadOptions) => {
  run(options).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ problem: String(error) } satisfies LoadResult),
  );
});

async function run(options: LoadOptions): Promise<LoadResult> {
  const send = options.client === 'http' ? httpSender(options) : socketSender(options);
  const startedAt = performance.now();
  const until = startedAt + options.seconds * 1_000;
  const counts = await Promise.all(Array.from({ length: options.connections }, () => send(until)));
  return { answered: counts.reduce((sum, count) => sum + count, 0), seconds: (performance.now() - startedAt) / 1_000 };
}

/** Sends one request after the other on its own connection until a moment; resolves to the number of answers. */
type Sender = (until: number) => Promise<number>;

function httpSender({ url, path, body, connections, auth: { token } }: LoadOptions): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, timeout: 1_000 });
  const headers = {
    'content-type': 'application/json',
    'content-length': body.length,
    ...(token === undefined ? {} : { 'x-auth-token': token }),
  };
  const sendOnce = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request(url + path, { method: 'POST', agent, headers }, (reply) => {
        if (reply.statusCode !== 202) reject(new Error(`the answer had the status ${reply.statusCode}`));
        reply.resume().on('end', resolve);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  return async (until) => {
    let answered = 0;
    for (; performance.now() < until; answered++) await sendOnce();
    return answered;
  };
}

function socketSender(options: LoadOptions): Sender {
  const nextRequest = requestsOf(options);
  return (until) => sendUntil(connect(addressOf(options.url)), nextRequest, until);
}

function sendUntil(socket: Socket, nextRequest: () => Buffer, until: number): Promise<number> {
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

/** The bytes of the next request. Signed requests are prepared before the load, because a signature costs as much as an answer. */
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
  const signed = Array.from({ length: Math.ceil(seconds * MAX_PER_SECOND) }, () => {
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
