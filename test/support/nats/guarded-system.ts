import { join } from 'node:path';
import { silentLogger } from '#src/core/ports/logger.ts';
import { type Role, readConfiguration } from '#src/main/config/configuration.ts';
import { type RunningRoles, startRoles } from '#src/main/roles/roles.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { test } from '#test/support/fixtures.ts';
import { startGuardedServer, type Users } from './guarded-server.ts';
import { topology } from './opened-nats.ts';
import { startSystem } from './running-system.ts';

/** Tests with a server whose users have permissions, and with Sequent's roles as its user `sequent`. */
export function guardedTest(users: Users, handlers: Parameters<typeof startSystem>[1]) {
  return test
    .extend('guarded', async ({ task: _ }, { onCleanup }) => {
      const guarded = await startGuardedServer(users);
      onCleanup(() => guarded[Symbol.asyncDispose]());
      return guarded;
    })
    .extend('system', async ({ guarded }, { onCleanup }) => {
      const system = await startSystem(guarded.as('sequent'), handlers);
      onCleanup(() => system[Symbol.asyncDispose]());
      return system;
    });
}

type Started = { connection: Connection; address: { servers: string; user: string; pass: string }; folder: string; missing: string[] };

/** Starts a role on a connection with permissions. `missing` gets what the role logs as an error, such as a missing permission. */
export async function startRole(
  role: Role,
  { connection, address: { servers, ...user }, folder, missing }: Started,
): Promise<RunningRoles> {
  const { maxHops, maxChain, given } = readConfiguration({ env: {} });
  const address = { servers: [servers], ...user };
  const process = { address, logLevel: 'silent', dataDir: join(folder, 'data'), archive: join(folder, 'archive') };
  return await startRoles({
    connection,
    roles: [role],
    topology,
    leaseInMs: 2_000,
    patienceInMs: 500,
    maxHops,
    maxChain,
    tenancy: { region: 'local', project: 'default' },
    projection: process,
    janitor: { ...process, retention: { maxAgeInMs: undefined, maxInvocations: undefined }, historyRetentionInMs: undefined },
    gateway: { address, credentials: [], httpPort: 0, httpHost: undefined, given },
    logger: { ...silentLogger, error: (_, message) => void missing.push(message) },
  });
}
