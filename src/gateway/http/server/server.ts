import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { isLongRequest } from './long-requests.ts';
import type { ServedTls, TlsMaterial } from './tls.ts';

export type ArrivalLimits = {
  /** How long the headers, or the TLS handshake, may take to arrive: 10 s by default. */
  headersTimeoutInMs?: number;
  /** How long the whole request may take to arrive: 30 s by default. */
  requestTimeoutInMs?: number;
};
type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A server for HTTP, or for HTTPS with `tls`. The server itself replies to requests that Node's parser refuses. */
export function createHttpServer(
  listener: Listener,
  { headersTimeoutInMs = 10_000, requestTimeoutInMs = 30_000 }: ArrivalLimits,
  tls: ServedTls | undefined,
): Server {
  const options = {
    headersTimeout: headersTimeoutInMs,
    requestTimeout: requestTimeoutInMs,
    maxHeaderSize: 16 * 1_024,
    insecureHTTPParser: false,
    requireHostHeader: true,
    keepAliveTimeout: 5_000,
    // How often Node checks the two timeouts above.
    connectionsCheckingInterval: Math.min(1_000, headersTimeoutInMs),
  };
  const handle: Listener = (request, response) => void listener(request, response);
  const server =
    tls === undefined
      ? createServer(options, handle)
      : createTlsListener(tls, { ...options, handshakeTimeout: headersTimeoutInMs }, handle);
  server.maxConnections = 10_000;
  server.on('clientError', refuseMalformed);
  return server;
}

/**
 * A server whose connections use the newest material. A connection that began before a replacement ends with its next answer.
 *
 * A client without a valid certificate may connect in every mode, because probes have none. The app refuses its other requests.
 */
function createTlsListener(tls: ServedTls, options: ServerOptions, handle: Listener): Server {
  const began = new WeakMap<Socket, TlsMaterial>();
  const server = createTlsServer(
    { ...options, ...contextOf(tls.material), requestCert: tls.clientAuth !== undefined, rejectUnauthorized: false },
    (request, response) => {
      if (began.get(request.socket) !== tls.material) response.shouldKeepAlive = false;
      handle(request, response);
    },
  );
  server.on('secureConnection', (socket) => began.set(socket, tls.material));
  tls.onReplace((material) => {
    server.setSecureContext(contextOf(material));
    server.closeIdleConnections();
  });
  return server;
}

function contextOf({ cert, key, clientCa }: TlsMaterial): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', ...(clientCa === undefined ? {} : { ca: clientCa }) };
}

const malformed: Readonly<Record<string, { status: string; code: string; message: string } | undefined>> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', code: 'FSS.0431', message: 'the headers are larger than 16 KB' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', code: 'FSS.0408', message: 'the request did not arrive in time' },
};

/** Replies to a request that Node's parser refused, which never reaches a route. Closes the connection: its next bytes are unreliable. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && isLongRequest(socket)) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const known = malformed[error.code ?? ''] ?? { status: '400 Bad Request', code: 'FSS.0400', message: 'the request is not HTTP' };
  const body = JSON.stringify({ error_code: known.code, error_msg: known.message });
  const headers = [
    `HTTP/1.1 ${known.status}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    `X-Request-Id: ${randomUUID()}`,
    'Connection: close',
  ];
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`);
}
