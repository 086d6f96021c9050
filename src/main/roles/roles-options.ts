import type { Grants } from '#src/core/functions/handler-rules.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { DefaultHttp } from '#src/destinations/connections/connections.ts';
import type { Credential } from '#src/gateway/auth/credentials.ts';
import type { IsolationMode, UidRange } from '#src/hosts/isolation/plan.ts';
import type { Configuration, Role } from '#src/main/config/configuration.ts';
import type { EncryptionKey } from '#src/main/config/encryption-key.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { ClockBounds } from '#src/nats/transport/server-clock.ts';
import type { TopologyOptions } from '#src/nats/wire/topology.ts';
import type { WatchedFiles } from './files/watched-files.ts';
import type { JanitorProcessOptions, ProjectionProcessOptions } from './processes/role-supervisor.ts';
import type { HttpHandlers } from './vetted-fetch.ts';

export type GatewayRoleOptions = {
  /** The gateway opens its own connection, so that its requests do not queue behind those of the other roles. */
  address: Omit<NatsAddress, 'from'>;
  credentials: readonly Credential[];
  /** The file of the credentials; absent when they come from elsewhere. */
  credentialsFile?: string | undefined;
} & Pick<Configuration, 'httpPort' | 'httpHost' | 'given'> &
  Partial<
    Pick<Configuration, 'httpOrigins' | 'auditRetentionInMs' | 'httpTlsCert' | 'httpTlsKey' | 'httpTlsClientCa' | 'httpTlsClientAuth'>
  >;

type IsolationOptions = {
  /** `require` by default. */
  mode?: IsolationMode;
  /** The user ids for projects, when the worker is started as root; 100000 to 165535 by default. */
  uids?: UidRange;
  /** The projects whose functions may use the network of the machine. */
  networkProjects?: readonly string[];
  /** The projects whose functions may start processes and threads, and load native add-ons, where Node could refuse that. */
  processProjects?: readonly string[];
  /** Whether the kernel limits functions by cgroups where it can; `auto` by default. */
  cgroups?: 'auto' | 'off';
};

export type RolesOptions = {
  connection: Connection;
  /** The worker's connection for requests to responders; `connection` by default. The caller closes it. */
  requester?: Connection;
  roles: readonly Role[];
  topology: TopologyOptions;
  /** How long an execution may go unnoticed when its worker dies, in milliseconds. */
  leaseInMs: number;
  /** The offsets of this machine's clock at which the process reports it, and takes no work. */
  clockBounds?: ClockBounds;
  /** How long the scheduler waits for other roles before it inspects a stream, in milliseconds. */
  patienceInMs: number;
  /** How many destinations a chain may have before it is cut. */
  maxHops: number;
  /** How many invocations may follow from one, in all branches of its chain together. */
  maxChain: number;
  /** Whether a request with an empty payload runs with the event `{}`, which is the default, or is refused. */
  emptyPayload?: 'json' | 'refuse';
  /** How many executions of all functions together the worker runs at one moment; no limit by default. */
  workerSlots?: number | undefined;
  /** The Python executable for every Python function; by default the version that the function names, else `python3`. */
  python?: string | undefined;
  /** How long after the outcome a delivery is tried, in milliseconds; 24 h by default. */
  maxDeliveryAgeInMs?: number;
  /** The file of the named connections, which hold the permissions on other services. */
  connectionsFile?: string | undefined;
  /** What HTTP destinations reach without a connection `http` in that file; public addresses by default. */
  httpDestinations?: DefaultHttp | undefined;
  /** The subjects and folders that other projects may use beyond the defaults. */
  grants?: Grants;
  /** The private addresses that HTTP handlers of the own project may reach; all by default. */
  httpHandlers?: HttpHandlers;
  /** The keys that encrypt secret user data; without them it is stored as it is. */
  encryptionKey?: EncryptionKey | undefined;
  /** What hides secrets in output and failures: a file with further patterns, or `off`; the default patterns by default. */
  redact?: string | undefined;
  /** The port on this machine of the debugger of a function of the own project. Without it, no process has one. */
  inspectorPort?: (functionName: string) => number | undefined;
  /** How the worker isolates the code of other projects. */
  isolation?: IsolationOptions;
  tenancy: Tenancy;
  /** The folder for the unpacked code of functions; by default a temporary folder, removed at the end. */
  codeDir?: string | undefined;
  /** Required for the role `projection`. */
  projection?: Omit<ProjectionProcessOptions, 'project'>;
  /** Required for the role `janitor`. */
  janitor?: JanitorProcessOptions;
  /** Required for the role `gateway`. */
  gateway?: GatewayRoleOptions;
  /** The folder of the watermarks of the log. Without a folder, losses of the log are not watched. */
  dataDir?: string;
  /** The durability of the server, if this process started it. */
  durability?: string;
  /** The files whose changes take effect without a restart; by default they are read once. The caller closes it. */
  files?: WatchedFiles | undefined;
  logger: Logger;
};
