import { setFlagsFromString } from 'node:v8';
import { hasPlainSecrets } from '#src/core/encryption/secret-sealer.ts';
import { messageOf } from '#src/core/errors.ts';
import { createHandlerRules, type HandlerRules } from '#src/core/functions/handler-rules.ts';
import { MAX_DELIVERY_AGE_IN_MS } from '#src/core/ports/destination-target.ts';
import { DefinitionLimits } from '#src/core/quotas/definition-limits.ts';
import { ProjectQuotas } from '#src/core/quotas/project-quotas.ts';
import { StoredSchedules } from '#src/core/schedules/stored-schedules.ts';
import { openConnections, parseConnections, ReplaceableConnections } from '#src/destinations/connections/connections.ts';
import type { Connections } from '#src/destinations/targets/connection.ts';
import { type FunctionDirectory, openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { type NatsPorts, openNatsPorts } from '#src/nats/ports.ts';
import { findTracer } from '#src/tracing/tracer.ts';
import { type Encryption, openEncryption } from './encryption.ts';
import { unwatchedFiles } from './files/watched-files.ts';
import type { RolesOptions } from './roles-options.ts';

/** What the roles of this process share. */
export type RoleContext = {
  options: RolesOptions;
  ports: NatsPorts;
  connections: Connections;
  /** Reads the file of the connections again. Throws `InvalidInputError` when it cannot be used; the content before stays. */
  reloadConnections: () => Promise<void>;
  encryption: Encryption;
  /** The quotas and the weights of projects, which the copy of the registry follows. */
  quotas: ProjectQuotas;
  /** Refuses what the gateway would define beyond the quotas. Only a gateway counts what is defined. */
  definitions: DefinitionLimits;
  /** The schedules, for a scheduler. */
  schedules: StoredSchedules;
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
    audit: { project: options.tenancy.project, logger },
  });
  const { connections, reload: reloadConnections } = await connectionsOf(options);
  const encryption = await encryptionOf(options, ports);
  const { sealer, payloads } = encryption;
  const closing = new AbortController();
  const quotas = new ProjectQuotas();
  const definitions = new DefinitionLimits({ quotas, ownProject: options.tenancy.project });
  const schedules = new StoredSchedules();
  const ofRole = <Copy>(role: (typeof options.roles)[number], copy: Copy): Copy | undefined =>
    options.roles.includes(role) ? copy : undefined;
  const functions = await openFunctionDirectory(ports.functions, {
    signal: closing.signal,
    payloads,
    quotas,
    definitions: ofRole('gateway', definitions),
    schedules: ofRole('scheduler', schedules),
    onProblem: (problem) => logger.error({}, problem),
  });
  const refuseDestination = ports.destinationCheck.refuse;
  const registry = createFunctionRegistry(ports.functions, { refuseDestination, grants, clock: ports.clock, sealer });
  if (sealer !== undefined) sealStored({ functions, registry, logger });
  return {
    options,
    ports,
    connections,
    reloadConnections,
    encryption,
    quotas,
    definitions,
    schedules,
    registry,
    functions,
    rules: createHandlerRules(grants),
    tracer: findTracer(),
    maxDeliveryAgeInMs: options.maxDeliveryAgeInMs ?? MAX_DELIVERY_AGE_IN_MS,
    stopping: new AbortController(),
    closing,
  };
}

let starting = 0;

/**
 * V8 doubles the young generation when much of it survives, up to 128 MB with the flags of Sequent, and never makes it smaller. What a start reads
 * survives once, and is no reason for it: with 100,000 functions, this saves 67 to 95 MB. Calls may overlap.
 */
export async function withoutYoungGrowth<Result>(start: () => Promise<Result>): Promise<Result> {
  if (starting++ === 0) setFlagsFromString('--semi-space-growth-factor=1');
  try {
    return await start();
  } finally {
    if (--starting === 0) setFlagsFromString('--semi-space-growth-factor=2');
  }
}

/** The other roles open no text, and have no permission to store keys. */
function encryptionOf({ roles, encryptionKey, files }: RolesOptions, { state, functions }: NatsPorts): Promise<Encryption> {
  const holdsSecrets = roles.includes('worker') || roles.includes('gateway');
  const needsKey = holdsSecrets || roles.includes('destinations');
  return openEncryption(needsKey ? encryptionKey : undefined, { secrets: state, functions, holdsSecrets, files });
}

/** Seals secret user data that a client without the key stored as it is. */
function sealStored({ functions, registry, logger }: Pick<RoleContext, 'functions' | 'registry'> & Pick<RolesOptions, 'logger'>): void {
  functions.subscribe((name, found) => {
    if (found === undefined || ![found, ...found.versions].some(({ definition }) => hasPlainSecrets(definition))) return;
    registry.sealStored(name).catch((error: unknown) => {
      logger.error({ function: name }, `secret user data is stored without encryption for now: ${messageOf(error)}`);
    });
  }, '"secretUserData"');
}

/** The ports and settings that worker, scheduler and destinations take alike, with ids for the appends of this role. */
export function commonPorts({ ports, functions, encryption, options }: RoleContext, name: string) {
  const { payloads } = encryption;
  const { tenancy, maxHops, maxChain, logger } = options;
  return { ...ports, tenancy, maxHops, maxChain, logger, functions, payloads, findFunction: functions.ask, appendId: appendIds(name) };
}

async function connectionsOf(options: RolesOptions): Promise<{ connections: Connections; reload: () => Promise<void> }> {
  const { connectionsFile, tenancy, files = unwatchedFiles, httpDestinations = 'public' } = options;
  const settings = { ownProject: tenancy.project, defaultHttp: httpDestinations };
  if (connectionsFile === undefined)
    return { connections: parseConnections({}, { ...settings, place: { file: undefined } }), reload: async () => {} };
  const open = (): Promise<Connections> => openConnections(connectionsFile, settings);
  const reload = async (): Promise<void> => connections.replace(await open());
  const unwatch = files.watch({ name: 'the file of the connections', files: [connectionsFile], reload });
  const connections = new ReplaceableConnections(
    await open().catch((error: unknown) => {
      unwatch();
      throw error;
    }),
  );
  return { connections, reload };
}

function appendIds(name: string): () => string {
  let count = 0;
  return () => `${name}-${count++}`;
}
