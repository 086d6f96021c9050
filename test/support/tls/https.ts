import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

export type HttpsOptions = {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** The authority that the server's certificate must come from. */
  ca: string;
  cert?: string;
  key?: string;
  maxVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  minVersion?: 'TLSv1';
  ciphers?: string;
  agent?: Agent;
};

export type HttpsReply = {
  status: number;
  headers: IncomingHttpHeaders;
  body: unknown;
  /** The common name in the certificate of the server. */
  server: string;
};

/** A closed connection no longer knows the certificate of its server. */
const servers = new WeakMap<Socket, string>();
const nameOf = (socket: TLSSocket): string => socket.getPeerX509Certificate()?.subject.replace('CN=', '') ?? '';

/** Calls a server on this machine by the name `host`. */
export async function callHttps(
  url: string,
  host: string,
  { method = 'GET', headers = {}, body, ...tls }: HttpsOptions,
): Promise<HttpsReply> {
  const { port, pathname, search } = new URL(url);
  const target = { host: '127.0.0.1', port, path: pathname + search, method, servername: host, headers: { host, ...headers } };
  const sent = request({ agent: false, ...target, ...tls });
  sent.once('socket', (socket: TLSSocket) => socket.once('secureConnect', () => servers.set(socket, nameOf(socket))));
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [reply] = (await once(sent, 'response')) as [IncomingMessage];
  const server = servers.get(reply.socket) ?? '';
  let text = '';
  for await (const chunk of reply.setEncoding('utf8')) text += chunk;
  const isJson = /json/.test(reply.headers['content-type'] ?? '');
  return { status: reply.statusCode ?? 0, headers: reply.headers, body: isJson ? JSON.parse(text) : text, server };
}
