import { join } from 'node:path';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { archiveOf, type Configuration, grantsOf, signingKeyOf } from '#src/main/config/configuration.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';
import type { RolesOptions } from '#src/main/roles/roles-options.ts';
import type { Callers } from './callers.ts';

type SettingsOfRoles = Omit<RolesOptions, 'connection' | 'requester' | 'durability' | 'logger'>;

/** The options of the roles as the configuration sets them. */
export function rolesFrom(
  configuration: Configuration,
  address: Omit<NatsAddress, 'from'>,
  { credentials }: Pick<Callers, 'credentials'>,
): SettingsOfRoles {
  const { roles, leaseInMs, patienceInMs, maxHops, maxChain, dataDir, logLevel } = configuration;
  const { replicas, streamSizes: sizes, resultsStorage, resultsMaxAgeInHours } = configuration;
  const { retentionInMs: maxAgeInMs, retentionInvocations: maxInvocations, historyRetentionInMs } = configuration;
  const clockBounds = { warningInMs: configuration.clockWarningInMs, limitInMs: configuration.clockLimitInMs };
  const archive = archiveOf(configuration);
  return {
    roles,
    topology: { replicas, sizes, resultsStorage, resultsMaxAgeInMs: resultsMaxAgeInHours * 3_600_000 },
    leaseInMs,
    clockBounds,
    patienceInMs,
    maxHops,
    maxChain,
    maxDeliveryAgeInMs: configuration.deliveryAgeInMs,
    dataDir,
    codeDir: join(dataDir, 'code', 'packages'),
    connectionsFile: configuration.connections,
    grants: grantsOf(configuration),
    // Without credentials, every caller is on this machine and may call its services anyway.
    httpHandlers: configuration.httpHandlers ?? (credentials.length === 0 ? 'private' : 'public'),
    isolation: { mode: configuration.isolation, uids: configuration.uids, networkProjects: configuration.functionNetwork },
    tenancy: tenancyOf(configuration, credentials),
    projection: { address, dataDir, logLevel, archive, clockBounds, signingKey: signingKeyOf(configuration) },
    janitor: { address, logLevel, archive, clockBounds, historyRetentionInMs, retention: { maxAgeInMs, maxInvocations } },
    gateway: { ...configuration, address, credentials },
  };
}

function tenancyOf({ project, envelope }: Configuration, credentials: Callers['credentials']): Tenancy {
  return { region: 'local', project: project ?? credentials[0]?.project ?? 'default', envelope };
}
