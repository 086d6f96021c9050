import type { SequentClient } from '#src/client/client.ts';
import type { MasterKeys } from '#src/core/encryption/master-keys.ts';
import { NatsUnavailableError } from '#src/core/errors.ts';
import type { Grants } from '#src/core/functions/handler-rules.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import type { EncryptionKey } from '#src/main/config/encryption-key.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';
import type { Connection, NatsOptions } from '#src/nats/transport/connection/connection.ts';
import type { GlobalOptions } from './call.ts';
import { createTerminal, type OutputStream } from './print/terminal.ts';
import { CommandError, exitCodes, type Problem, problemOf, usageProblem } from './problem.ts';
import { say } from './texts/say.ts';

/** The options of a command's connection, and the address that they are for. */
export type Target = {
  options: NatsOptions & { tenancy: Tenancy; grants: Grants };
  address: NatsAddress;
  dataDir: string;
  /** Where the keys are that open payloads. */
  encryptionKey: EncryptionKey | undefined;
};

/** Finds the NATS of a command: from flags, environment, the server of the data folder, or the selected context of `nats`. */
export async function findTarget(options: GlobalOptions): Promise<Target> {
  const { data } = options;
  if (data !== undefined && /^[{["@]/.test(data)) {
    throw usageProblem('--data is not the event', '--data names the data folder of the server', `-d '${data}'`);
  }
  // Imported on use, because the help needs none of these modules.
  const { grantsOf, readConfiguration } = await import('#src/main/config/configuration.ts');
  const { encryptionKeyOf } = await import('#src/main/config/encryption-key.ts');
  const { findNats } = await import('#src/main/config/find-nats.ts');
  const { natsOptionsOf } = await import('#src/nats/transport/connection/connect-options.ts');
  const { findDataFolder } = await import('#src/main/config/data-folder.ts');
  const { env } = options.host;
  const read = readConfiguration({ flags: connectionFlags(options), env });
  const configuration = read.given.dataDir === undefined ? { ...read, dataDir: findDataFolder(process.cwd(), env.HOME) } : read;
  const address = await findNats(configuration, env);
  // With --json, stderr is for the problem alone.
  if (options.json === undefined && !options.output.startsWith('json')) await nameServer(address, configuration.dataDir, options);
  const { from: _, ...connecting } = address;
  const tenancy: Tenancy = { region: 'local', project: configuration.project ?? 'default', envelope: configuration.envelope };
  return {
    options: {
      role: 'operator',
      ...natsOptionsOf(connecting),
      name: 'sequent-cli',
      rehearsal: options.rehearsal,
      tenancy,
      grants: grantsOf(configuration),
    },
    address,
    dataDir: configuration.dataDir,
    encryptionKey: encryptionKeyOf(configuration),
  };
}

/**
 * Names the server on stderr when a setting chose it, or when it belongs to another folder, so that a person sees a command that asks
 * the wrong server. The server of the own data folder, and an ordinary server on the default address, are what a person expects.
 */
async function nameServer({ servers, from }: NatsAddress, dataDir: string, { color, host }: GlobalOptions): Promise<void> {
  const { DEFAULT_SOURCE, ownServerSource } = await import('#src/main/config/find-nats.ts');
  if (from === ownServerSource(dataDir)) return;
  const { isEmbeddedServer } = await import('#src/main/nats-server/running.ts');
  if (from === DEFAULT_SOURCE && !(await isEmbeddedServer(servers[0] ?? ''))) return;
  const { err } = createTerminal(color, host);
  const reason =
    from === DEFAULT_SOURCE
      ? say('Sequent started it on another folder; none runs on {folder}', { folder: dataDir })
      : say('from {source}', { source: from });
  err.line(err.paint.dim(say('server {servers} ({reason})', { servers: servers.join(','), reason })));
}

/** The flags that name a NATS, and how to connect to it. */
function connectionFlags({ server: natsUrl, context, data, ...options }: GlobalOptions): Record<string, unknown> {
  const { nkey, tlsca, tlscert, tlskey, tlsfirst, domain, inboxPrefix, encryptionKey, encryptionCommand } = options;
  return { natsUrl, context, data, nkey, tlsca, tlscert, tlskey, tlsfirst, domain, inboxPrefix, encryptionKey, encryptionCommand };
}

/** Connects, runs `work`, and closes the connection also after an error. */
export async function withClient<Value>(options: GlobalOptions, work: (client: SequentClient) => Promise<Value>): Promise<Value> {
  const target = await findTarget(options);
  const { connectClient } = await import('#src/client/client.ts');
  const masterKeys = await readMasterKeys(target);
  await using client = await connectClient({ ...target.options, masterKeys, jetstreamApi: 'required' }).catch(explainTarget(target));
  return await untilSilent(client.connection, () => work(client)).catch(explainTarget(target));
}

/** The keys that open payloads, for a client. Throws `InvalidInputError` when they cannot be read. */
async function readMasterKeys({ encryptionKey }: Target): Promise<(() => MasterKeys) | undefined> {
  if (encryptionKey === undefined) return undefined;
  const { readKeys } = await import('#src/main/roles/encryption.ts');
  const keys = await readKeys(encryptionKey);
  return () => keys;
}

/** As {@link withClient}, for work below the streams of Sequent: neither reads nor creates them. */
export async function withConnection<Value>(
  options: GlobalOptions,
  work: (connection: Connection, target: Target) => Promise<Value>,
): Promise<Value> {
  const target = await findTarget(options);
  const { openConnection } = await import('#src/nats/transport/connection/connection.ts');
  const connection = await openConnection(target.options).catch(explainTarget(target));
  try {
    return await untilSilent(connection, () => work(connection, target)).catch(explainTarget(target));
  } finally {
    await connection.close();
  }
}

/** As {@link withClient}, for commands that read definitions alone: a client would read all of them first. */
export async function withRegistry<Value>(options: GlobalOptions, work: (functions: FunctionRegistry) => Promise<Value>): Promise<Value> {
  return await withConnection(options, async (connection) => {
    const { createFunctionRegistry } = await import('#src/functions/registry.ts');
    const { openKeyValue } = await import('#src/nats/key-value.ts');
    const { FUNCTIONS_BUCKET } = await import('#src/nats/wire/topology.ts');
    const { errorCodeOf, isStreamNotFound } = await import('#src/nats/transport/errors.ts');
    const store = openKeyValue(connection, FUNCTIONS_BUCKET);
    return await store
      .then((opened) => work(createFunctionRegistry(opened)))
      .catch((error: unknown) => {
        // Sequent never ran on this server: a client creates the streams.
        if (!isStreamNotFound(errorCodeOf(error))) throw error;
        return withClient(options, ({ functions }) => work(functions));
      });
  });
}

/** The connections of commands that wait, and say when their connection is lost. */
const waiting = new WeakSet<object>();

/** A command that does not wait ends when the server answers nothing. */
async function untilSilent<Value>(connection: Pick<Connection, 'nats' | 'servers'>, work: () => Promise<Value>): Promise<Value> {
  const { whileAnswering } = await import('#src/nats/transport/connection/while-answering.ts');
  return await whileAnswering(connection, work(), { mayWait: () => waiting.has(connection) });
}

/** Adds the source of the address to an error about an unreachable NATS, and the data folder to one about missing rights. */
export function explainTarget({ address, dataDir }: Pick<Target, 'address' | 'dataDir'>): (error: unknown) => Promise<never> {
  return async (error) => {
    const problem = problemOf(error);
    if (problem.exitCode === exitCodes.auth && (await isOfAnotherFolder(address))) {
      throw new CommandError({ ...problem, ...keyProblem(address, dataDir) }, { cause: error });
    }
    if (!(error instanceof NatsUnavailableError)) throw error;
    throw new CommandError({ ...problem, why: `${problem.why} (the address comes from ${address.from})` }, { cause: error });
  };
}

/** Whether the client has no credentials, and the server is one that Sequent started on a data folder of this machine. */
async function isOfAnotherFolder(address: NatsAddress): Promise<boolean> {
  const { hasCredentials } = await import('#src/main/config/find-nats.ts');
  const { isEmbeddedServer } = await import('#src/main/nats-server/running.ts');
  return !hasCredentials(address) && (await isEmbeddedServer(address.servers[0] ?? ''));
}

function keyProblem({ servers }: NatsAddress, dataDir: string): Pick<Problem, 'what' | 'why' | 'remedy'> {
  return {
    what: 'this NATS server needs the key of its data folder',
    why: `Sequent started the server on ${servers[0]}, and its key is not in ${dataDir}`,
    remedy: 'the same command in the folder of npm start, or with --data <its data folder>, or --nkey <its data folder>/nats/sequent.nk',
  };
}

/** Prints lost and restored connections, and missing permissions. For commands that wait, also while the server does not answer. */
export function printConnection({ connection }: SequentClient, { line, paint }: Pick<OutputStream, 'line' | 'paint'>): void {
  waiting.add(connection);
  connection.onDisconnect(() => line(paint.yellow(say('the connection to NATS is lost; reconnecting'))));
  connection.onReconnect(() => line(paint.dim(say('connected to NATS again; no transition was lost'))));
  connection.refusals.onMissingPermission((message) => line(paint.red(message)));
}
