import type { SequentClient } from '#src/client/client.ts';
import { NatsUnavailableError } from '#src/core/errors.ts';
import type { Grants } from '#src/core/functions/handler-rules.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';
import type { NatsOptions } from '#src/nats/transport/connection.ts';
import type { GlobalOptions } from './call.ts';
import type { OutputStream } from './print/terminal.ts';
import { CommandError, exitCodes, type Problem, problemOf, usageProblem } from './problem.ts';

/** The options of a command's connection, and the address that they are for. */
export type Target = { options: NatsOptions & { tenancy: Tenancy; grants: Grants }; address: NatsAddress; dataDir: string };

/** Finds the NATS of a command: from flags, environment, the server of the data folder, or the selected context of `nats`. */
export async function findTarget(options: GlobalOptions): Promise<Target> {
  const { data } = options;
  if (data !== undefined && /^[{["@]/.test(data)) {
    throw usageProblem('--data is not the event', '--data names the data folder of the server', `-d '${data}'`);
  }
  // Imported on use, because the help needs none of these modules.
  const { grantsOf, readConfiguration } = await import('#src/main/config/configuration.ts');
  const { findNats } = await import('#src/main/config/find-nats.ts');
  const { natsOptionsOf } = await import('#src/nats/transport/connect-options.ts');
  const configuration = readConfiguration({ flags: connectionFlags(options) });
  const address = await findNats(configuration);
  const { from: _, ...connecting } = address;
  const tenancy: Tenancy = { region: 'local', project: configuration.project ?? 'default', envelope: configuration.envelope };
  return {
    options: {
      role: 'operator',
      ...natsOptionsOf(connecting),
      name: 'sequent-cli',
      tenancy,
      grants: grantsOf(configuration),
    },
    address,
    dataDir: configuration.dataDir,
  };
}

/** The flags that name a NATS, and how to connect to it. */
function connectionFlags({ server: natsUrl, context, data, ...options }: GlobalOptions): Record<string, unknown> {
  const { nkey, tlsca, tlscert, tlskey, tlsfirst, domain, inboxPrefix } = options;
  return { natsUrl, context, data, nkey, tlsca, tlscert, tlskey, tlsfirst, domain, inboxPrefix };
}

/** Connects, runs `work`, and closes the connection also after an error. */
export async function withClient<Value>(options: GlobalOptions, work: (client: SequentClient) => Promise<Value>): Promise<Value> {
  const target = await findTarget(options);
  const { connectClient } = await import('#src/client/client.ts');
  await using client = await connectClient({ ...target.options, jetstreamApi: 'required' }).catch(explainTarget(target));
  return await work(client);
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

/** Prints lost and restored connections, and missing permissions. For commands that wait. */
export function printConnection({ connection }: SequentClient, { line, paint }: Pick<OutputStream, 'line' | 'paint'>): void {
  connection.onDisconnect(() => line(paint.yellow('the connection to NATS is lost; reconnecting')));
  connection.onReconnect(() => line(paint.dim('connected to NATS again; no transition was lost')));
  connection.refusals.onMissingPermission((message) => line(paint.red(message)));
}
