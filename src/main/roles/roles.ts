import { ownInstance } from '#src/client/own-instance.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import type { RunningGateway } from '#src/gateway/gateway.ts';
import type { Role } from '#src/main/config/configuration.ts';
import type { NatsPorts } from '#src/nats/ports.ts';
import { startDestinationsRole } from './destinations-role.ts';
import { startGatewayRole } from './gateway-role.ts';
import { startJanitorRole } from './janitor-role.ts';
import { watchLog } from './log-watch.ts';
import { startProjectionRole } from './projection-role.ts';
import { openRoleContext, type RoleContext } from './role-context.ts';
import { superviseRole } from './role-supervisor.ts';
import type { RolesOptions } from './roles-options.ts';
import { startSchedulerRole } from './scheduler-role.ts';
import { startWorkerRole } from './worker-role.ts';

export interface RunningRoles {
  readonly registry: FunctionRegistry;
  readonly ports: NatsPorts;
  /** `undefined` when this process does not serve HTTP. */
  readonly gateway: RunningGateway | undefined;
  /** Stops the roles in the order of their dependencies. What runs may take `graceInMs`. */
  stop(graceInMs: number): Promise<void>;
}

/** Wires the roles to NATS and starts them. Throws `NatsUnavailableError`. */
export async function startRoles(options: RolesOptions): Promise<RunningRoles> {
  const context = await openRoleContext(options);
  const { ports, registry, stopping, closing } = context;
  const startIf = async <Started>(role: Role, start: () => Started | Promise<Started>): Promise<Started | undefined> =>
    options.roles.includes(role) ? await start() : undefined;
  const { connection, dataDir, logger, roles } = options;
  const logWatch = watchLog({ ports, connection, dataDir, roles, logger }, stopping.signal);
  const destinations = await startIf('destinations', () => startDestinationsRole(context));
  const working = await startIf('worker', () => startWorkerRole(context, destinations));
  const scheduler = await startIf('scheduler', () => startSchedulerRole(context));
  const projection = await startIf('projection', () => startProjection(context));
  const janitor = await startIf('janitor', () => startJanitor(context));
  const gateway = await startIf('gateway', () => startGatewayRole(context, logWatch));
  const circuits = destinations === undefined ? undefined : () => destinations.circuits;
  const withdraw = await ports.roleInstances.announce(
    ownInstance(options.roles, ports.clock, {
      durability: options.durability,
      isolation: working?.isolation,
      circuits,
      refusal: () => logWatch.refusal,
    }),
  );
  return {
    registry,
    ports,
    gateway,
    async stop(graceInMs) {
      stopping.abort();
      await withdraw().catch(() => {});
      await gateway?.stop(graceInMs);
      await working?.worker.stop(graceInMs);
      await destinations?.stop();
      await scheduler?.stop();
      await janitor?.stop();
      await projection?.stop();
      closing.abort();
      ports.close();
      await options.connection.close();
    },
  };
}

type Stoppable = { stop(): Promise<void> };

/** Runs the projection: in this process as the only role, else in a process of its own, because its writes would delay the other roles. */
async function startProjection({ options, stopping }: RoleContext): Promise<Stoppable | undefined> {
  const { projection, connection, logger, roles } = options;
  if (projection === undefined) return undefined;
  if (roles.length === 1) return await startProjectionRole({ ...projection, connection, logger });
  return superviseRole('projection', projection, { logger, stopping: stopping.signal });
}

/** Runs the janitor: in this process as the only role, else in a process of its own. */
async function startJanitor({ options, stopping }: RoleContext): Promise<Stoppable | undefined> {
  const { janitor, connection, logger, roles } = options;
  if (janitor === undefined) return undefined;
  if (roles.length === 1) return await startJanitorRole({ ...janitor, connection, logger });
  return superviseRole('janitor', janitor, { logger, stopping: stopping.signal });
}
