import { randomBytes } from 'node:crypto';
import { ownInstance } from '#src/client/own-instance.ts';
import { workerName } from '#src/client/worker.ts';
import { createHandlerRules, type Grants } from '#src/core/functions/handler-rules.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { MAX_DELIVERY_AGE_IN_MS } from '#src/core/ports/destination-target.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { openConnections, parseConnections } from '#src/destinations/connections.ts';
import { startDestinations } from '#src/destinations/destinations.ts';
import { tryBounds } from '#src/destinations/function-deliverer.ts';
import { createFunctionTarget } from '#src/destinations/function-target.ts';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import type { Connections } from '#src/destinations/targets/connection.ts';
import { createTargets } from '#src/destinations/targets/create-targets.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { sweepPackagesRegularly } from '#src/functions/package-sweep.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import type { RunningGateway } from '#src/gateway/gateway.ts';
import { createHost } from '#src/hosts/host.ts';
import { createHttpHost } from '#src/hosts/http-host.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { createPackageCache } from '#src/hosts/package-cache.ts';
import { createProcessHost } from '#src/hosts/process-host.ts';
import { MAX_RESULT_BYTES } from '#src/hosts/runtime/outcome.mjs';
import { createSubjectHost } from '#src/hosts/subject-host.ts';
import type { Role } from '#src/main/config/configuration.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { type NatsPorts, openNatsPorts } from '#src/nats/ports.ts';
import { createDisStreams } from '#src/nats/streams/dis-streams.ts';
import { createPublications } from '#src/nats/streams/publications.ts';
import { openSignatureLog } from '#src/nats/streams/signature-log.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { createNatsRequester } from '#src/nats/transport/requester.ts';
import { GATEWAY_BUCKET, type TopologyOptions } from '#src/nats/wire/topology.ts';
import { startScheduler } from '#src/scheduler/scheduler.ts';
import { traceHost } from '#src/tracing/host.ts';
import { traceTargets } from '#src/tracing/targets.ts';
import { findTracer } from '#src/tracing/tracer.ts';
import { startWorker } from '#src/worker/worker.ts';
import { type GatewayRoleOptions, startGatewayRole } from './gateway-role.ts';
import { startJanitorRole } from './janitor-role.ts';
import { startProjectionRole } from './projection-role.ts';
import { type JanitorProcessOptions, type ProjectionProcessOptions, superviseRole } from './role-supervisor.ts';
import { createVettedFetch } from './vetted-fetch.ts';

export type RolesOptions = {
  connection: Connection;
  /** By which the worker asks the responders of functions; `connection` by default. Its opener closes it. */
  requester?: Connection;
  roles: readonly Role[];
  topology: TopologyOptions;
  /** How long an execution may go unnoticed when its worker dies, in milliseconds. */
  leaseInMs: number;
  /** How long the scheduler lets others take before it looks, in milliseconds. */
  patienceInMs: number;
  /** How many destinations a chain may have before it is cut. */
  maxHops: number;
  /** How many invocations may follow from one, in all branches of its chain together. */
  maxChain: number;
  /** How long after the outcome a delivery is tried, in milliseconds; 24 h unless it is said. */
  maxDeliveryAgeInMs?: number;
  /** The file of the named connections, which stand for the permissions on other services. */
  connectionsFile?: string | undefined;
  /** What other projects than the own one may name beyond the defaults. */
  grants?: Grants;
  tenancy: Tenancy;
  /** Where the worker unpacks the code of functions; a folder of its own, removed at the end, unless it is said. */
  codeDir?: string | undefined;
  /** Where the projection finds NATS and keeps its files; needed for that role only. */
  projection?: ProjectionProcessOptions;
  /** What is archived and purged, and when; needed for that role only. */
  janitor?: JanitorProcessOptions;
  /** How HTTP is served; needed for that role only. */
  gateway?: GatewayRoleOptions;
  /** What an acknowledgement of the server promises, if this process started it. */
  durability?: string;
  logger: Logger;
};

export interface RunningRoles {
  readonly registry: FunctionRegistry;
  readonly ports: NatsPorts;
  /** Where HTTP is served, when this process does. */
  readonly gateway: RunningGateway | undefined;
  /** Stops taking work, finishes what runs (at most `graceInMs`), then the rest in the order in which they need each other. */
  stop(graceInMs: number): Promise<void>;
}

/** Wires the roles to NATS and starts them. Throws `NatsUnavailableError`. */
export async function startRoles(options: RolesOptions): Promise<RunningRoles> {
  const { connection, topology, leaseInMs, tenancy, maxHops, maxChain, maxDeliveryAgeInMs = MAX_DELIVERY_AGE_IN_MS, logger } = options;
  const ports = await openNatsPorts(connection, {
    topology,
    leaseInMs,
    clock: systemClock,
    onProblem: (problem) => logger.warn({}, problem),
  });
  const connections = await connectionsOf(options);
  const registry = createFunctionRegistry(ports.functions, { refuseDestination: ports.destinationCheck.refuse, grants: options.grants });
  const rules = createHandlerRules(options.grants);
  const stopping = new AbortController();
  const closing = new AbortController();
  const tracer = findTracer();
  const functions = await openFunctionDirectory(ports.functions, {
    signal: closing.signal,
    onProblem: (problem) => logger.error({}, problem),
  });
  const common = { ...ports, tenancy, maxHops, maxChain, clock: systemClock, logger, functions, findFunction: functions.ask };

  const destinations = options.roles.includes('destinations') ? startDestinationsRole() : undefined;
  const worker = options.roles.includes('worker') ? startWorkerRole() : undefined;
  const scheduler = options.roles.includes('scheduler') ? await startSchedulerRole() : undefined;
  const projection = options.roles.includes('projection') ? await startProjection() : undefined;
  const janitor = options.roles.includes('janitor') ? await startJanitor() : undefined;
  const gateway = options.roles.includes('gateway') ? await startGateway() : undefined;
  const leave = await ports.roleInstances.announce(ownInstance(options.roles, options.durability));

  async function startGateway() {
    if (options.gateway === undefined) return undefined;
    const store = await openKeyValue(connection, GATEWAY_BUCKET, topology.replicas);
    const signatures = await openSignatureLog(connection, topology.replicas);
    return await startGatewayRole(options.gateway, { store, signatures, state: ports.state, tenancy, grants: options.grants, logger });
  }

  /** By itself in this process; beside others in one of its own, since its writing would hold them up. */
  async function startProjection() {
    const order = options.projection;
    if (order === undefined) return undefined;
    if (options.roles.length === 1) return await startProjectionRole({ ...order, connection, logger });
    return superviseRole('projection', order, { logger, stopping: stopping.signal });
  }

  async function startJanitor() {
    const order = options.janitor;
    if (order === undefined) return undefined;
    if (options.roles.length === 1) return await startJanitorRole({ ...order, connection, logger });
    return superviseRole('janitor', order, { logger, stopping: stopping.signal });
  }

  function startDestinationsRole() {
    const name = `deliverer-${workerName()}`;
    const isKnown = (fn: FunctionName, qualifier: string): boolean => functions.find(fn, qualifier) !== undefined;
    const outside = createTargets({
      connections,
      http: createVettedHttp(),
      streams: createDisStreams({
        connection,
        publisher: ports.publisher,
        replicas: topology.replicas,
        onProblem: (problem) => logger.warn({}, problem),
      }),
      publisher: createPublications(connection, ports.publisher),
      subjects: rules.subjects,
    });
    return startDestinations({
      ...common,
      name,
      appendId: appendIds(name),
      check: ports.destinationCheck,
      targets: traceTargets(
        {
          FunctionGraph: createFunctionTarget({ log: ports.log, findFunction: registry.find, isKnown, maxHops, maxChain }),
          ...outside,
          // What does not fit a message would never be stored. A record of DIS holds the envelope in base64.
          NATS: { ...outside.NATS, maxEnvelopeBytes: ports.results.maxBytes },
          DIS: { ...outside.DIS, maxEnvelopeBytes: Math.floor(ports.results.maxBytes * 0.7) },
        },
        tracer,
      ),
      ...tryBounds,
      maxDeliveryAgeInMs,
    });
  }

  function startWorkerRole() {
    const name = workerName();
    const host = traceHost(
      createHost(
        {
          process: createProcessHost({ tenancy, packages: createPackageCache({ packages: ports.packages, folder: options.codeDir }) }),
          subject: createSubjectHost({ request: createNatsRequester(options.requester ?? connection) }),
          http: createHttpHost({ fetch, vetted: createVettedFetch(createVettedHttp({ maxBodyBytes: MAX_RESULT_BYTES + 1 })) }),
          // Handlers of this kind live in the users' own workers.
          inline: createInlineHost(new Map()),
        },
        rules,
      ),
      tracer,
    );
    return startWorker({
      ...common,
      worker: name,
      host,
      appendId: appendIds(name),
      deliverer: destinations?.deliverer,
      canRun: ({ handler }) => handler.kind !== 'inline',
    });
  }

  function startSchedulerRole() {
    const name = `scheduler-${randomBytes(4).toString('hex')}`;
    void sweepPackagesRegularly({ packages: ports.packages, functions: ports.functions, clock: systemClock, logger }, closing.signal);
    return startScheduler({
      ...common,
      name,
      appendId: appendIds(name),
      deliveredUpTo: ports.queue.deliveredUpTo,
      patienceInMs: options.patienceInMs,
      maxDeliveryAgeInMs,
    });
  }

  return {
    registry,
    ports,
    gateway,
    async stop(graceInMs) {
      stopping.abort();
      await leave().catch(() => {});
      await gateway?.stop(graceInMs);
      await worker?.stop(graceInMs);
      await destinations?.stop();
      await scheduler?.stop();
      await janitor?.stop();
      await projection?.stop();
      closing.abort();
      ports.close();
      await connection.close();
    },
  };
}

async function connectionsOf({ connectionsFile, tenancy }: RolesOptions): Promise<Connections> {
  return connectionsFile === undefined ? parseConnections({}) : await openConnections(connectionsFile, tenancy.project);
}

function appendIds(name: string): () => string {
  let count = 0;
  return () => `${name}-${count++}`;
}
