import { join } from 'node:path';
import type { ConnectionOptions } from 'nats';
import { inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { type CredentialFiles, natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { type CliRun, runCli, serveSequent } from '#test/support/cli/cli.ts';
import { chosenServers, type Machine, serverFor, takeFolder } from './machines.ts';
import { startShippedCluster } from './shipped-cluster.ts';

/** A Sequent with all of its roles, as the attackers and the operator reach it. */
export interface Served extends AsyncDisposable {
  readonly http: string;
  readonly dataDir: string;
  /** A process that runs the code of functions. */
  readonly pid: number;
  /** The process of the gateway. */
  readonly gatewayPid: number;
  /** The ports that listen on this machine. */
  readonly ports: readonly number[];
  /** The options of a user with all rights. */
  readonly address: { servers: string[] } & CredentialFiles;
  /** The options of a client with `invoke.*` alone. */
  readonly stranger: ConnectionOptions;
  /** The environment of the operator's commands. */
  readonly operator: Readonly<Record<string, string>>;
  /** The environment of a further gateway. */
  readonly gateway: Readonly<Record<string, string>>;
  readonly secretFiles: readonly string[];
  /** Runs a command as the operator. */
  run(args: readonly string[]): Promise<CliRun>;
}

export type ServeOptions = { folder: string; credentials: string; project: string; machine: Machine };

/** No role inspects an invocation meanwhile, so the stored state of the victims changes by requests only. */
const times = ['--lease-ms', '3600000', '--patience-ms', '3600000'];

const kinds: Readonly<Record<string, (options: ServeOptions) => Promise<Served>>> = { embedded: serveEmbedded, cluster: serveCluster };

/** Starts Sequent on the servers of the variable `SEQUENT_NEIGHBOUR_SERVERS`: `embedded`, the default, or `cluster`. */
export async function serveChosen(options: ServeOptions): Promise<Served> {
  const name = chosenServers();
  const serve = kinds[name];
  if (serve === undefined) throw new Error(`${name} is none of ${Object.keys(kinds).join(', ')}`);
  return await serve(options);
}

/** The server that Sequent starts itself, as by `npm start`. */
async function serveEmbedded({ folder, credentials, project, machine }: ServeOptions): Promise<Served> {
  const dataDir = join(folder, 'data');
  await takeFolder(machine, dataDir);
  const options = ['--http-port', '0', '--credentials', credentials, '--project', project, ...times];
  const sequent = await serveSequent(options, dataDir, await serverFor(machine, folder), machine.prefix);
  const http = httpIn(sequent.output.stdout);
  return {
    http,
    dataDir,
    pid: sequent.process.pid ?? 0,
    gatewayPid: sequent.process.pid ?? 0,
    ports: [http, sequent.url].map(portOf),
    address: { ...sequent.address, servers: [sequent.url] },
    stranger: { servers: sequent.url },
    operator: { SEQUENT_DATA: dataDir },
    gateway: { NATS_URL: sequent.url, NATS_NKEY: join(dataDir, 'nats', 'sequent.nk') },
    secretFiles: [join(dataDir, 'nats', 'sequent.nk'), join(dataDir, 'nats', 'responders.nk')],
    run: (args) => sequent.run(args),
    [Symbol.asyncDispose]: () => sequent[Symbol.asyncDispose](),
  };
}

/** Three servers with the configuration and the keys of `deploy/cluster.compose.yml`, and each role in a process with its own key. */
async function serveCluster({ folder, credentials, project, machine }: ServeOptions): Promise<Served> {
  const { urls: servers, keys, ...cluster } = await startShippedCluster(folder, machine);
  const keyOf = (role: string): string => keys[role] ?? '';
  const gatewayOptions = ['--http-port', '0', '--credentials', credentials];
  // As in the compose file, the worker has a volume of its own, and the other roles share one.
  const [dataDir, othersDir] = [join(folder, 'worker'), join(folder, 'data')];
  for (const path of [dataDir, othersDir]) await takeFolder(machine, path);
  const serve = (role: string, args: readonly string[] = []): ReturnType<typeof cluster.serve> =>
    cluster.serve(role, ['--data', role === 'worker' ? dataDir : othersDir, '--project', project, ...times, ...args]);
  const [gateway, worker] = await Promise.all([
    serve('gateway', gatewayOptions),
    serve('worker'),
    ...['scheduler', 'destinations', 'projection', 'janitor'].map((role) => serve(role)),
  ]);
  const http = httpIn(gateway.stdout);
  const operator = { NATS_URL: servers.join(','), NATS_NKEY: keyOf('operator'), SEQUENT_DATA: othersDir };
  return {
    http,
    dataDir,
    pid: worker.pid,
    gatewayPid: gateway.pid,
    ports: [http, ...servers].map(portOf),
    address: { servers, nkeyFile: keyOf('admin') },
    stranger: natsOptionsOf({ servers, nkeyFile: keyOf('producer'), inboxPrefix: inboxPrefixOf('producer') }),
    operator,
    gateway: { NATS_URL: servers.join(','), NATS_NKEY: keyOf('gateway'), SEQUENT_REPLICAS: '3' },
    secretFiles: [...Object.values(keys), cluster.config],
    run: (args) => runCli(args, { env: operator }),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

const httpIn = (stdout: string): string => /^sequent ready .* http (\S+)/m.exec(stdout)?.[1] ?? '';
const portOf = (url: string): number => Number(new URL(url).port);
