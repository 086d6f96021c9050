import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { InvalidInputError } from '#src/core/errors.ts';
import { createApp } from './app.ts';
import { createAuditRecorder } from './audit.ts';
import { createFailedAttempts } from './auth/failed-attempts.ts';
import { createOriginGuard } from './auth/origin.ts';
import { openReplayCache } from './auth/replay-cache.ts';
import { openSessions } from './auth/sessions.ts';
import { createServerCloser } from './http/close-server.ts';
import { createMetrics } from './operations/metrics.ts';
import { readLag } from './operations/read-lag.ts';
import { watchReplicas } from './operations/replica-watch.ts';
import type { Gateway, GatewayOptions } from './ports.ts';
import { openRecords } from './records.ts';

export type ListenOptions = {
  host: string;
  port: number;
  /** Whether the gateway tries the following ports when this one is taken. */
  isPortNegotiable: boolean;
  /** How long the headers may take to arrive (10 s by default), and how long the whole request may take (30 s by default). */
  headersTimeoutInMs?: number;
  requestTimeoutInMs?: number;
};

export interface RunningGateway {
  /** The URL that the gateway listens on. */
  readonly url: string;
  /** Notes for the operator, as sentences. */
  readonly notes: readonly string[];
  /** Stops accepting connections, ends waiting requests, and lets the other requests finish within `graceInMs`. */
  stop(graceInMs: number): Promise<void>;
}

export const DEFAULT_LIMITS = { requestsInFlight: 1_000, waiting: 1_000, syncInMs: 90_000 };
const PORTS_TO_TRY = 20;
const FLUSH_WITHIN_MS = 1_000;
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

/** Opens what the routes share. The signal ends the watches on shared stores. `host` is the host that HTTP is served on. */
export async function openGateway(options: GatewayOptions, signal: AbortSignal, host = '127.0.0.1'): Promise<Gateway> {
  const { store, logCount, signatures, origins = [], compareReplicas: compare, ...shared } = options;
  const replicaWatch = compare === undefined ? undefined : watchReplicas({ ...shared, compare, signal });
  return {
    ...shared,
    attempts: createFailedAttempts(shared),
    checkOrigin: createOriginGuard({ isOpen: shared.credentials.length === 0, host, origins }),
    records: await openRecords(store, signal),
    sessions: await openSessions(store, shared.credentials, signal),
    replays: await openReplayCache({ signatures, signal, now: shared.clock.now() }),
    recorder: createAuditRecorder({ ...shared, project: shared.tenancy.project, signal }),
    metrics: createMetrics({ clock: shared.clock, lag: () => readLag(shared.client), logCount, replicaWatch, logWatch: shared.logWatch }),
    replicaWatch,
    closing: signal,
  };
}

/**
 * Serves HTTP. Throws `InvalidInputError` when the port is taken and not negotiable, and when the host is not a loopback address and no
 * credentials are configured.
 */
export async function startGateway(options: GatewayOptions, listen: ListenOptions): Promise<RunningGateway> {
  const isOpen = options.credentials.length === 0;
  if (isOpen && !LOOPBACK.test(listen.host)) {
    const problem = 'is not a loopback address: without credentials (SEQUENT_CREDENTIALS) the gateway listens on loopback only';
    throw new InvalidInputError({ field: `the HTTP host ${listen.host}`, problem });
  }
  const closing = new AbortController();
  // Every open event stream listens to this signal until it ends. `limits.waiting` bounds them, so Node must not warn of a leak.
  setMaxListeners(0, closing.signal);
  const gateway = await openGateway(options, closing.signal, listen.host);
  const app = createApp(gateway);
  const server = createHttpServer(
    getRequestListener((request, node) => app.fetch(request, node), { errorHandler: refuseUnreadable }),
    listen,
  );
  const close = createServerCloser(server);
  const port = await listenOn(server, listen).catch((error: unknown) => {
    closing.abort();
    throw error;
  });
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return {
    url: `http://${host}:${port}`,
    notes: [
      ...(port === listen.port || listen.port === 0 ? [] : [`port ${listen.port} is taken, so HTTP is served on ${port}`]),
      ...(isOpen ? ['without credentials (SEQUENT_CREDENTIALS) HTTP is served on loopback only, to every process that can reach it'] : []),
    ],
    async stop(graceInMs) {
      closing.abort();
      await close(graceInMs);
      // Without NATS the entries cannot be stored, and the process must end.
      await Promise.race([gateway.recorder.flush(), delay(FLUSH_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

function createHttpServer(
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
  { headersTimeoutInMs = 10_000, requestTimeoutInMs = 30_000 }: ListenOptions,
): Server {
  const server = createServer(
    {
      headersTimeout: headersTimeoutInMs,
      requestTimeout: requestTimeoutInMs,
      maxHeaderSize: 16 * 1_024,
      insecureHTTPParser: false,
      requireHostHeader: true,
      keepAliveTimeout: 5_000,
      // How often Node checks the two timeouts above.
      connectionsCheckingInterval: Math.min(1_000, headersTimeoutInMs),
    },
    (request, response) => void listener(request, response),
  );
  server.maxConnections = 10_000;
  server.on('clientError', refuseMalformed);
  return server;
}

const malformed: Readonly<Record<string, { status: string; code: string; message: string } | undefined>> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', code: 'FSS.0431', message: 'the headers are larger than 16 KB' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', code: 'FSS.0408', message: 'the request did not arrive in time' },
};

/** Replies to a request that Node's parser refused, which never reaches a route. Closes the connection: its next bytes are unreliable. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
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

/** Replies to a request whose target and Host header form no valid URL. */
function refuseUnreadable(): Response {
  const body = { error_code: 'FSS.0400', error_msg: 'the target or the Host header of the request cannot be read' };
  return Response.json(body, { status: 400, headers: { 'X-Request-Id': randomUUID() } });
}

async function listenOn(server: Server, { host, port, isPortNegotiable }: ListenOptions): Promise<number> {
  for (let tried = port; ; tried++) {
    try {
      return await tryPort(server, host, tried);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && isPortNegotiable && tried < port + PORTS_TO_TRY && tried < 65_535) continue;
      const problem = code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be used: ${String(cause)}`;
      throw new InvalidInputError({ field: `the HTTP port ${tried}`, problem }, { cause });
    }
  }
}

function tryPort(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 4_096 }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
