import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Grants } from '#src/core/functions/handler-rules.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { Credential } from '#src/gateway/auth/credentials.ts';
import type { Role } from '#src/main/config/configuration.ts';
import type { EncryptionKey } from '#src/main/config/encryption-key.ts';
import { type RunningRoles, startRoles } from '#src/main/roles/roles.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import type { GuardedServer } from '#test/support/nats/guarded-server.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';

export const PROJECT = '0123456789abcdef0123456789abcdef';
export const TOKEN = 'a token of this test';
/** The other project of the same gateways. */
export const STRANGER = { project: 'another-project', token: 'a token of another project' };
export const KEYS = { ak: 'AKTEST', sk: 'the secret key' };

/** Roles with a gateway in this process. */
export interface ServedSequent extends AsyncDisposable {
  readonly url: string;
  readonly roles: RunningRoles;
  /** Calls with the token. */
  call(method: string, path: string, options?: CallOptions): Promise<Response>;
  /** The same without a connection: the gateway answers in this process. */
  ask(method: string, path: string, options?: CallOptions): Promise<Response>;
}

type CallOptions = { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal };

/** Roles with a gateway in this process, on a NATS server of their own. */
export interface RunningSequent extends ServedSequent {
  readonly server: TestServer;
  /** The folder of the connections, of the read model and of the archive. */
  readonly folder: string;
  /** Starts another gateway on the same server. */
  another(): Promise<RunningSequent>;
}

/** The other project may run the handler files of the tests. */
const STRANGERS_FILES: Grants = {
  files: [{ project: STRANGER.project, folder: fileURLToPath(new URL('..', import.meta.url)) }],
};

const ALL: readonly Role[] = ['worker', 'scheduler', 'destinations', 'gateway'];

/** Starts the roles. `with` adds roles, and `without` leaves some out; the projection runs in a process of its own. */
export async function startSequent({
  with: additional = [],
  without = [],
  grants,
  connections = {},
  encryptionKey,
  workerSlots,
  logBytes,
}: {
  with?: readonly Role[];
  without?: readonly Role[];
  grants?: Grants;
  /** The named connections of destinations. */
  connections?: object;
  encryptionKey?: EncryptionKey;
  workerSlots?: number;
  /** The limit of the bytes in the log. */
  logBytes?: number;
} = {}): Promise<RunningSequent> {
  const server = await startTestServer();
  const folder = await mkdtemp(join(tmpdir(), 'sequent-gateway-'));
  await writeFile(connectionsFileIn(folder), JSON.stringify(connections));
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  const roles = [...ALL, ...additional].filter((role) => !without.includes(role));
  return await start({ server, folder, roles, grants, encryptionKey, workerSlots, logBytes, dispose });
}

const connectionsFileIn = (folder: string): string => join(folder, 'connections.json');

type StartOptions = {
  address: { servers: string | string[]; user?: string; pass?: string };
  replicas?: number;
  folder: string;
  roles: readonly Role[];
  grants: Grants | undefined;
  encryptionKey?: EncryptionKey | undefined;
  workerSlots?: number | undefined;
  logBytes?: number | undefined;
  /** Credentials in addition to those of the two projects. */
  credentials?: readonly Credential[];
  times?: { leaseInMs: number; patienceInMs: number };
  dispose: () => Promise<void>;
};

async function start({ server, ...options }: Omit<StartOptions, 'address'> & { server: TestServer }): Promise<RunningSequent> {
  const served = await serve({ ...options, address: { servers: server.url } });
  return {
    ...served,
    server,
    folder: options.folder,
    another: () => start({ ...options, server, roles: ['gateway'], dispose: async () => {} }),
  };
}

/** Starts all roles as a user of a server with permissions. The caller ends the server. */
export async function startGuardedSequent(
  server: GuardedServer,
  user: string,
  { connections, credentials }: { connections: object; credentials: readonly Credential[] },
): Promise<ServedSequent> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-gateway-'));
  await writeFile(connectionsFileIn(folder), JSON.stringify(connections));
  const dispose = () => rm(folder, { recursive: true, force: true });
  const roles = [...ALL, 'projection'] as const;
  // No role inspects an invocation meanwhile, so a state that a test stored changes by requests only.
  const times = { leaseInMs: 3_600_000, patienceInMs: 3_600_000 };
  return await serve({ address: server.as(user), folder, roles, grants: {}, credentials, times, dispose });
}

/** Starts roles on the servers of a cluster. The caller ends the servers. The connections use these servers only. */
export async function startClusteredSequent(servers: string[], roles: readonly Role[]): Promise<ServedSequent> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-gateway-'));
  await writeFile(connectionsFileIn(folder), '{}');
  const dispose = () => rm(folder, { recursive: true, force: true });
  return await serve({ address: { servers }, replicas: 3, folder, roles, grants: {}, dispose });
}

async function serve({
  address,
  replicas = 1,
  folder,
  roles: wanted,
  grants = STRANGERS_FILES,
  encryptionKey,
  workerSlots,
  logBytes,
  credentials: added = [],
  times = { leaseInMs: 1_500, patienceInMs: 500 },
  dispose,
}: StartOptions): Promise<ServedSequent> {
  const credentials: Credential[] = [
    { project: PROJECT, accessKey: KEYS.ak, secretKey: KEYS.sk, tokenHash: hashOf(TOKEN) },
    { project: STRANGER.project, tokenHash: hashOf(STRANGER.token) },
    ...added,
  ];
  const { servers, ...user } = address;
  const listed = { servers: [servers].flat(), ...user };
  const roles = await startRoles({
    // As the processes of roles do: a request whose answer is lost is sent again.
    connection: await openConnection(address, { onUnanswered: () => {} }),
    roles: wanted,
    topology: { replicas, resultsStorage: 'file', resultsMaxAgeInMs: 3_600_000, sizes: logBytes === undefined ? {} : { log: logBytes } },
    ...times,
    maxHops: 16,
    maxChain: 1_000,
    tenancy: { region: 'local', project: PROJECT },
    grants,
    encryptionKey,
    workerSlots,
    connectionsFile: connectionsFileIn(folder),
    projection: { address: listed, dataDir: folder, archive: `${folder}/archive`, logLevel: 'silent' },
    gateway: { address: listed, credentials, httpPort: 0, httpHost: undefined, given: {} },
    logger: silentLogger,
  });
  const url = roles.gateway?.url ?? '';
  return {
    url,
    roles,
    call: (method, path, options) => fetch(url + path, requestOf(method, options)),
    async ask(method, path, options) {
      if (roles.gateway === undefined) throw new Error('no gateway runs');
      return await roles.gateway.answer(new Request(url + path, requestOf(method, options)));
    },
    async [Symbol.asyncDispose]() {
      await roles.stop(1_000);
      await dispose();
    },
  };
}

function requestOf(method: string, { body, headers = {}, signal }: CallOptions = {}): RequestInit {
  return {
    method,
    headers: { 'x-auth-token': TOKEN, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export type SentEvent = {
  id: string | undefined;
  event: string;
  data: { sequence: number; by: string; fact: { type: string; invocation: string } };
};

/** Reads server-sent events until the condition holds, or the stream ends. */
export async function readEvents(response: Response, until: (event: SentEvent) => boolean = () => false): Promise<SentEvent[]> {
  const found: SentEvent[] = [];
  let text = '';
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(
    new TextDecoderStream() as never,
  ) as never as AsyncIterable<string>) {
    const parts = (text + chunk).split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const event = parse(part);
      if (event === undefined) continue;
      found.push(event);
      if (until(event)) return found;
    }
  }
  return found;
}

function parse(part: string): SentEvent | undefined {
  const fields = new Map(
    part.split('\n').map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  const data = fields.get('data');
  return data === undefined
    ? undefined
    : { id: fields.get('id'), event: fields.get('event') ?? '', data: JSON.parse(data) as SentEvent['data'] };
}
