import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type Received = { method: string; path: string; headers: IncomingHttpHeaders; body: string; bytes: Buffer };
export type Reply = (response: ServerResponse, received: Received, request: IncomingMessage) => void;

/** A real HTTP server that records its requests. */
export interface Receiver extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly received: readonly Received[];
  /** How many connections the server accepted. */
  readonly connections: number;
}

export const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Reply =>
  (response) =>
    void response.writeHead(status, headers).end(body);

/** Opens a server that answers its requests with `replies` in turn, and every later request with the last one. */
export async function openReceiver(...replies: Reply[]): Promise<Receiver> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const entry = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: bytes.toString(), bytes };
    const reply = replies[Math.min(received.length, replies.length - 1)] ?? answer(200);
    received.push(entry);
    reply(response, entry, request);
  });
  server.on('connection', (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    received,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
