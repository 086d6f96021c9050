import { join } from 'node:path';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { isLoopbackHost } from '#src/core/text/loopback-host.ts';
import { archiveOf, type Configuration, grantsOf, signingKeyOf, topologyOf } from '#src/main/config/configuration.ts';
import { encryptionKeyOf } from '#src/main/config/encryption-key.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';
import type { Fsync } from '#src/main/nats-server/files.ts';
import type { RolesOptions } from '#src/main/roles/roles-options.ts';
import type { Callers } from './callers.ts';

type SettingsOfRoles = Omit<RolesOptions, 'connection' | 'requester' | 'durability' | 'files' | 'logger'>;

/** The options of the roles as the configuration sets them. `ownFsync` is the mode of a server that this process started. */
export function rolesFrom(
  { ownFsync, ...configuration }: Configuration & { ownFsync?: Fsync | undefined },
  address: Omit<NatsAddress, 'from'>,
  { credentials, file: credentialsFile }: Pick<Callers, 'credentials' | 'file'>,
): SettingsOfRoles {
  const { roles, leaseInMs, patienceInMs, maxHops, maxChain, dataDir, logLevel } = configuration;
  const { retentionInMs: maxAgeInMs, retentionInvocations: maxInvocations, historyRetentionInMs } = configuration;
  const clockBounds = { warningInMs: configuration.clockWarningInMs, limitInMs: configuration.clockLimitInMs };
  const archive = archiveOf(configuration);
  const signingKey = signingKeyOf(configuration);
  return {
    roles,
    topology: topologyOf(configuration, ownFsync),
    leaseInMs,
    clockBounds,
    patienceInMs,
    maxHops,
    maxChain,
    emptyPayload: configuration.emptyPayload,
    workerSlots: configuration.workerSlots,
    python: configuration.python,
    maxDeliveryAgeInMs: configuration.deliveryAgeInMs,
    dataDir,
    codeDir: join(dataDir, 'code', 'packages'),
    connectionsFile: configuration.connections,
    // Functions of the own project run as the user of the worker, who reaches the loopback interface anyway. A gateway that others reach, or
    // that runs elsewhere, takes requests from elsewhere.
    httpDestinations: roles.includes('gateway') && isLoopbackHost(configuration.httpHost) ? 'loopback' : 'public',
    grants: grantsOf(configuration),
    encryptionKey: encryptionKeyOf(configuration),
    redact: configuration.redact,
    // Without credentials, every caller is on this machine and may call its services anyway.
    httpHandlers: configuration.httpHandlers ?? (credentials.length === 0 ? 'private' : 'public'),
    isolation: {
      mode: configuration.isolation,
      uids: configuration.uids,
      networkProjects: configuration.functionNetwork,
      processProjects: configuration.functionProcesses,
      cgroups: configuration.cgroups,
    },
    tenancy: tenancyOf(configuration, credentials),
    projection: { address, dataDir, logLevel, archive, clockBounds, signingKey },
    janitor: { address, logLevel, archive, clockBounds, signingKey, historyRetentionInMs, retention: { maxAgeInMs, maxInvocations } },
    gateway: { ...configuration, address, credentials, credentialsFile },
  };
}

function tenancyOf({ project, envelope }: Configuration, credentials: Callers['credentials']): Tenancy {
  return { region: 'local', project: project ?? credentials[0]?.project ?? 'default', envelope };
}
