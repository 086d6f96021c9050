import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { type CliOptions, type CliRun, runCliOn } from '#test/support/cli/cli.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';

/** A process with all roles of Sequent, or with some, on its own NATS server, with connections for destinations. */
export interface DeliveringSystem extends AsyncDisposable {
  readonly server: TestServer;
  readonly client: SequentClient;
  readonly log: LogWatch;
  readonly process: SequentProcess;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Replaces the process by a process with these connections. */
  restart(connections: object): Promise<void>;
  /** Runs a command of the command line against this system. */
  run(args: readonly string[], options?: CliOptions): Promise<CliRun>;
}

export async function startDeliveringSystem(
  connections: object = {},
  settings: Record<string, string> = {},
  roles?: string,
): Promise<DeliveringSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-delivering-'));
  const connectionsFile = join(folder, 'connections.json');
  const server = await startTestServer();
  const env = {
    NATS_URL: server.url,
    SEQUENT_LEASE_MS: '1500',
    SEQUENT_PATIENCE_MS: '1500',
    SEQUENT_CONNECTIONS: connectionsFile,
    RECEIVER_SECRET: `whsec_${Buffer.from('the secret of the receiver').toString('base64')}`,
    ...settings,
  };
  const start = async (present: object): Promise<SequentProcess> => {
    await writeFile(connectionsFile, JSON.stringify(present));
    return await startSequent(roles === undefined ? [] : ['--role', roles], env);
  };
  let sequent = await start(connections);
  const client = await connectClient({ servers: server.url });
  const log = await watchLog(server.url);
  return {
    server,
    client,
    log,
    folder,
    env,
    get process() {
      return sequent;
    },
    async restart(others) {
      await sequent.signal('SIGTERM');
      sequent = await start(others);
    },
    run: (args, options) => runCliOn(server.url, args, options),
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await client.close();
      await sequent[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The connection of a receiver on this machine. A test whose receiver never answers gives its own `timeoutInMs`. */
export function receiverConnection({ port }: { port: number }, facts: object = {}): object {
  return {
    kind: 'http',
    secret: { env: 'RECEIVER_SECRET' },
    hosts: ['127.0.0.1'],
    allowPrivate: true,
    allowHttp: true,
    ports: [port],
    ...facts,
  };
}

export const toFunction = (name: string) => ({ destination: 'FunctionGraph' as const, param: { func_urn: name } });

export const toHttp = (url: string, connection = 'receiver') => ({ destination: 'HTTP' as const, param: { url, connection } });
