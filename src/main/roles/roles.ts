import { openSigner } from '#src/archive/heads/open-signer.ts';
import { ownInstance } from '#src/client/worker/own-instance.ts';
import { messageOf } from '#src/core/errors.ts';
import { systemTimers } from '#src/core/ports/clock.ts';
import { threadTime } from '#src/core/quotas/thread-time.ts';
import type { FunctionDirectory } from '#src/functions/directory.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import type { RunningGateway } from '#src/gateway/gateway.ts';
import type { Role } from '#src/main/config/configuration.ts';
import type { NatsPorts } from '#src/nats/ports.ts';
import { auditStream } from '#src/nats/wire/topology.ts';
import { startDestinationsRole } from './destinations-role.ts';
import { unwatchedFiles } from './files/watched-files.ts';
import { startGatewayRole } from './gateway-role.ts';
import { startJanitorRole } from './janitor-role.ts';
import { watchLog } from './log-watch.ts';
import { createReadiness, type Readiness } from './processes/readiness.ts';
import { superviseRole } from './processes/role-supervisor.ts';
import { startProjectionRole } from './projection-role.ts';
import { openRoleContext, type RoleContext, withoutYoungGrowth } from './role-context.ts';
import type { RolesOptions } from './roles-options.ts';
import { startSchedulerRole } from './scheduler-role.ts';
import { startWorkerRole } from './worker-role.ts';

export interface RunningRoles {
  readonly registry: FunctionRegistry;
  /** The definitions as the roles of this process see them. */
  readonly functions: FunctionDirectory;
  readonly ports: NatsPorts;
  /** `undefined` when this process does not serve HTTP. */
  readonly gateway: RunningGateway | undefined;
  readonly readiness: Readiness;
  /** Stops the roles in the order of their dependencies. What runs may take `graceInMs`. */
  stop(graceInMs: number): Promise<void>;
}

/** Wires the roles to NATS and starts them. Throws `NatsUnavailableError`. */
export function startRoles(options: RolesOptions): Promise<RunningRoles> {
  return withoutYoungGrowth(() => start(options));
}

async function start(options: RolesOptions): Promise<RunningRoles> {
  const context = await openRoleContext(options);
  const { ports, registry, stopping, closing } = context;
  const startIf = async <Started>(role: Role, start: () => Started | Promise<Started>): Promise<Started | undefined> =>
    options.roles.includes(role) ? await start() : undefined;
  const { connection, dataDir, logger, roles } = options;
  await ensureAuditLog(context);
  const logWatch = watchLog({ ports, connection, dataDir, roles, logger }, stopping.signal);
  const destinations = await startIf('destinations', () => startDestinationsRole(context));
  const working = await startIf('worker', () => startWorkerRole(context, destinations));
  const scheduler = await startIf('scheduler', () => startSchedulerRole(context));
  const projection = await startIf('projection', () => startProjection(context));
  const janitor = await startIf('janitor', () => startJanitor(context));
  watchSigningKey(
    options,
    [projection, janitor].filter((role) => role !== undefined),
  );
  const gateway = await startIf('gateway', () => startGatewayRole(context, logWatch));
  const circuits = destinations === undefined ? undefined : () => destinations.circuits;
  // A caller of the first second asks for the history as well.
  await projection?.ready;
  const withdraw = await ports.roleInstances.announce(
    ownInstance(options.roles, ports.clock, {
      durability: options.durability,
      isolation: working?.isolation,
      load: () => working?.worker.load,
      processorUse: working?.processorUse,
      threadUse: () => threadTime.useOf(options.tenancy.project),
      circuits,
      refusal: () => logWatch.refusal,
      fileProblems: () => options.files?.problems,
      missingKeys: () => missingKeysOf(context),
      metricsReadAt: () => gateway?.metricsReadAt,
    }),
  );
  // The server knows all subscriptions when the start is reported, so a question of another connection finds a responder.
  await connection.nats.flush();
  return {
    registry,
    functions: context.functions,
    ports,
    gateway,
    readiness: createReadiness({ connection, ports, stopping: stopping.signal }),
    async stop(graceInMs) {
      stopping.abort();
      // The appends that NATS does not answer until then stay unknown, and the items behind them return after their lease.
      const cancelEnd = systemTimers.after(graceInMs, connection.endRetries);
      await withdraw().catch(() => {});
      await gateway?.stop(graceInMs);
      await working?.worker.stop(graceInMs);
      await destinations?.stop();
      await scheduler?.stop();
      await janitor?.stop();
      await projection?.stop();
      closing.abort();
      await ports.serviceAudit?.flush();
      cancelEnd();
      ports.close();
      await options.connection.close();
    },
  };
}

/** The roles that seal or open payloads. */
const withTexts: readonly Role[] = ['worker', 'destinations', 'gateway'];

function missingKeysOf({ options: { roles, tenancy }, encryption }: RoleContext): string[] {
  if (!roles.some((role) => withTexts.includes(role))) return [];
  return encryption.payloads.encrypting.filter(({ hasKey }) => !hasKey).map(({ project }) => project ?? tenancy.project);
}

const withServices: readonly Role[] = ['worker', 'projection', 'scheduler', 'destinations'];

/**
 * The services of a process without a gateway have an audit log too. A user without permission to create its stream loses their entries, and
 * the process says so.
 */
async function ensureAuditLog({ options: { topology, gateway, connection, logger, roles }, ports }: RoleContext): Promise<void> {
  if (gateway === undefined || roles.includes('gateway') || !roles.some((role) => withServices.includes(role))) return;
  await ports.streams.add(auditStream({ ...topology, maxAgeInMs: gateway.auditRetentionInMs })).catch((error: unknown) => {
    logger.error({}, `the audit log has no stream, so run "sequent nats-streams": ${messageOf(connection.refusals.explain(error))}`);
  });
}

/** `reload` uses what the signing key is now. */
type Reloadable = { ready?: Promise<void>; stop(): Promise<void>; reload(): Promise<void> };

function watchSigningKey({ projection, janitor, files = unwatchedFiles }: RolesOptions, roles: readonly Reloadable[]): void {
  const signingKey = projection?.signingKey ?? janitor?.signingKey;
  if (signingKey === undefined || !('file' in signingKey) || roles.length === 0) return;
  files.watch({
    name: 'the signing key',
    files: [signingKey.file],
    async reload() {
      // A role may be another process, which reads the key itself.
      await openSigner(signingKey);
      for (const role of roles) await role.reload();
    },
  });
}

/** Runs the projection: in this process as the only role, else in a process of its own, because its writes would delay the other roles. */
async function startProjection({ options, stopping }: RoleContext): Promise<Reloadable | undefined> {
  const { projection, connection, logger, roles, tenancy } = options;
  if (projection === undefined) return undefined;
  const settings = { ...projection, project: tenancy.project };
  if (roles.length === 1) return await startProjectionRole({ ...settings, connection, logger });
  return superviseRole('projection', settings, { logger, stopping: stopping.signal });
}

/** Runs the janitor: in this process as the only role, else in a process of its own. */
async function startJanitor({ options, stopping }: RoleContext): Promise<Reloadable | undefined> {
  const { janitor, connection, logger, roles } = options;
  if (janitor === undefined) return undefined;
  if (roles.length === 1) return await startJanitorRole({ ...janitor, connection, logger });
  return superviseRole('janitor', janitor, { logger, stopping: stopping.signal });
}
