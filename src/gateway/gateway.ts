import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { InvalidInputError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { createFairTurns } from '#src/core/quotas/fair-turns.ts';
import { isLoopbackHost } from '#src/core/text/loopback-host.ts';
import { createApp } from './app.ts';
import { createAuditRecorder } from './audit.ts';
import { createFailedAttempts } from './auth/failed-attempts.ts';
import { createOriginGuard } from './auth/origin.ts';
import { openReplayCache } from './auth/replay-cache.ts';
import { openSessions } from './auth/sessions.ts';
import { createBulkRunner } from './bulk/bulk-runner.ts';
import { untilCallerGone } from './http/caller-gone.ts';
import { createServerCloser } from './http/server/close-server.ts';
import { type ArrivalLimits, createHttpServer } from './http/server/server.ts';
import { createMetrics } from './metrics/metrics.ts';
import { decideCanaries } from './operations/auto-canaries.ts';
import { createLogCounts } from './operations/log-counts.ts';
import { readLag } from './operations/read-lag.ts';
import { watchReplicas } from './operations/replica-watch.ts';
import type { AuditRecorder, Gateway, GatewayOptions } from './ports.ts';
import { limitClient } from './quotas/limited-client.ts';
import { allFigures } from './quotas/quota-figures.ts';
import { createQuotaGuard } from './quotas/quota-guard.ts';
import { openRecords } from './records.ts';

type ListenOptions = {
  host: string;
  port: number;
  /** Whether the gateway tries the following ports when this one is taken. */
  isPortNegotiable: boolean;
} & ArrivalLimits;

export interface RunningGateway {
  /** The URL that the gateway listens on. */
  readonly url: string;
  /** Answers a request without a connection, as a test does. Address, certificate and raw target of a caller are unknown then. */
  answer(request: Request): Promise<Response>;
  /** Notes for the operator, as sentences. */
  readonly notes: readonly string[];
  /** The time of the last read of the metrics of all projects, in milliseconds since the epoch; `undefined` before the first read. */
  readonly metricsReadAt: number | undefined;
  /** Stops accepting connections, ends waiting requests, and lets the other requests finish within `graceInMs`. */
  stop(graceInMs: number): Promise<void>;
}

export const DEFAULT_LIMITS = { requestsInFlight: 1_000, waiting: 1_000, syncInMs: 90_000 };
const PORTS_TO_TRY = 20;
const FLUSH_WITHIN_MS = 1_000;
/** The packages that a gateway unpacks, checks or packs at one moment. Each takes up to 400 MB. One more waits for its turn. */
const MAX_PACKAGES = 2;

/** Opens what the routes share. The signal ends the watches on shared stores. `host` is the host that HTTP is served on. */
export async function openGateway(options: GatewayOptions, signal: AbortSignal, host = '127.0.0.1'): Promise<Gateway> {
  const { store: bucket, history, signatures, origins = [], compareReplicas: compare, quotas: source, ...shared } = options;
  const store = createSharedStore(bucket);
  const replicaWatch = compare === undefined ? undefined : watchReplicas({ ...shared, compare, signal });
  const { client, clock, logger } = shared;
  const counts = createLogCounts({ history, lastSequence: () => client.lastSequence() });
  const guarding = { store: bucket, clock, logger, ownProject: shared.tenancy.project, counts, signal };
  const quotas = source === undefined ? undefined : createQuotaGuard({ ...guarding, ...source, quotas: source.projects });
  const recorder = createAuditRecorder({ ...shared, project: shared.tenancy.project, signal });
  decideAutomatically(shared, recorder, signal);
  const limited = (waits: boolean) => (quotas === undefined ? client : limitClient(client, quotas, { waits }));
  const figures = () => allFigures({ quotas, definitions: shared.definitions }, shared.tenancy.project, clock.now());
  return {
    ...shared,
    client: limited(false),
    quotas,
    attempts: createFailedAttempts(shared),
    checkOrigin: createOriginGuard({
      isOpen: shared.credentials.isOpen,
      host,
      origins,
      isCertified: shared.tls === undefined ? undefined : (name) => shared.tls?.material.isFor(name) === true,
    }),
    bulkRunner: createBulkRunner({ ...shared, client: limited(true), signal }),
    records: await openRecords(shared.definitions.records(store), signal),
    sessions: await openSessions(store, shared.credentials, signal),
    replays: await openReplayCache({ signatures, signal, now: shared.clock.now(), projects: () => shared.credentials.projects }),
    recorder,
    codeInTurn: createCodeTurns(),
    metrics: createMetrics({ ...shared, lag: () => readLag(shared), counts, replicaWatch, logWatch: shared.logWatch, quotas: figures }),
    replicaWatch,
    closing: signal,
  };
}

/** The turns of the projects for work on code. A request whose caller is gone while it waits leaves. */
function createCodeTurns(): Gateway['codeInTurn'] {
  const inTurn = createFairTurns(MAX_PACKAGES);
  return async (call, work) => await untilCallerGone(call, (gone) => inTurn(call.get('project'), work, gone));
}

/** The canaries that promote or roll back themselves. */
function decideAutomatically(
  options: Pick<GatewayOptions, 'functions' | 'client' | 'clock' | 'logger' | 'tenancy' | 'audit'>,
  audit: AuditRecorder,
  signal: AbortSignal,
) {
  const { functions, client, clock, logger, tenancy, audit: auditLog } = options;
  if (functions === undefined) return;
  const { history, functions: registry } = client;
  void decideCanaries({ functions, registry, history, audit, auditLog, clock, logger, project: tenancy.project, signal });
}

/**
 * Serves HTTP. Throws `InvalidInputError` when the port is taken and not negotiable, and when the host is not a loopback address and no
 * credentials are configured.
 */
export async function startGateway(options: GatewayOptions, listen: ListenOptions): Promise<RunningGateway> {
  const { isOpen } = options.credentials;
  if (isOpen && !isLoopbackHost(listen.host)) {
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
    options.tls,
  );
  const close = createServerCloser(server);
  const port = await listenOn(server, listen).catch((error: unknown) => {
    closing.abort();
    throw error;
  });
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    answer: async (request) => await app.fetch(request),
    get metricsReadAt() {
      return gateway.metrics.readAt;
    },
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

/**
 * The store of all gateways. A change resolves when the server has sent it to every gateway (FN1), so that a call that follows the answer
 * finds the change on every gateway.
 */
export function createSharedStore(store: KeyValue): KeyValue {
  return {
    ...store,
    async put(key, value, expected) {
      const revision = await store.put(key, value, expected);
      await store.reachedWatchers(revision);
      return revision;
    },
    async delete(key, expected) {
      await store.delete(key, expected);
      await store.reachedWatchers(await store.newestRevision());
    },
  };
}
