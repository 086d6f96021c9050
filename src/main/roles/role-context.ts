import { createHandlerRules, type HandlerRules } from '#src/core/functions/handler-rules.ts';
import { MAX_DELIVERY_AGE_IN_MS } from '#src/core/ports/destination-target.ts';
import { openConnections, parseConnections } from '#src/destinations/connections.ts';
import type { Connections } from '#src/destinations/targets/connection.ts';
import { type FunctionDirectory, openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { type NatsPorts, openNatsPorts } from '#src/nats/ports.ts';
import { findTracer } from '#src/tracing/tracer.ts';
import type { RolesOptions } from './roles-options.ts';

/** What the roles of this process share. */
export type RoleContext = {
  options: RolesOptions;
  ports: NatsPorts;
  connections: Connections;
  registry: FunctionRegistry;
  functions: FunctionDirectory;
  rules: HandlerRules;
  tracer: ReturnType<typeof findTracer>;
  maxDeliveryAgeInMs: number;
  /** Aborted when this process starts to stop. */
  stopping: AbortController;
  /** Aborted when all roles have stopped. */
  closing: AbortController;
};

/**
 * Opens the ports on NATS, the named connections and the cached definitions.
 *
 * Throws `NatsUnavailableError`, and `InvalidInputError` when the file of the named connections cannot be used.
 */
export async function openRoleContext(options: RolesOptions): Promise<RoleContext> {
  const { connection, topology, leaseInMs, clockBounds, grants, logger } = options;
  const ports = await openNatsPorts(connection, {
    topology,
    leaseInMs,
    ...(clockBounds === undefined ? {} : { clockBounds }),
    onProblem: (problem) => logger.warn({}, problem),
  });
  const connections = await connectionsOf(options);
  const closing = new AbortController();
  const functions = await openFunctionDirectory(ports.functions, {
    signal: closing.signal,
    onProblem: (problem) => logger.error({}, problem),
  });
  return {
    options,
    ports,
    connections,
    registry: createFunctionRegistry(ports.functions, { refuseDestination: ports.destinationCheck.refuse, grants, clock: ports.clock }),
    functions,
    rules: createHandlerRules(grants),
    tracer: findTracer(),
    maxDeliveryAgeInMs: options.maxDeliveryAgeInMs ?? MAX_DELIVERY_AGE_IN_MS,
    stopping: new AbortController(),
    closing,
  };
}

/** The ports and settings that worker, scheduler and destinations take alike, with ids for the appends of this role. */
export function commonPorts({ ports, functions, options }: RoleContext, name: string) {
  const { tenancy, maxHops, maxChain, logger } = options;
  return { ...ports, tenancy, maxHops, maxChain, logger, functions, findFunction: functions.ask, appendId: appendIds(name) };
}

async function connectionsOf({ connectionsFile, tenancy }: RolesOptions): Promise<Connections> {
  return connectionsFile === undefined ? parseConnections({}) : await openConnections(connectionsFile, tenancy.project);
}

function appendIds(name: string): () => string {
  let count = 0;
  return () => `${name}-${count++}`;
}
