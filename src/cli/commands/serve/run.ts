import type { Logger } from 'pino';
import { VERSION } from '#src/client/version.ts';
import { parseWholeNumber } from '#src/core/text/whole-number.ts';
import { defineExamples } from '#src/examples/define-examples.ts';
import { type Configuration, readConfiguration } from '#src/main/config/configuration.ts';
import { findNats, requestedNats, respondersNats } from '#src/main/config/find-nats.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import type { Environment } from '#src/main/nats-server/find.ts';
import { type EmbeddedServer, type ServerEvent, startServer } from '#src/main/nats-server/start.ts';
import { buildPages } from '#src/main/roles/files/build-pages.ts';
import { makePrivate, readableByOthers } from '#src/main/roles/files/private-files.ts';
import { type WatchedFiles, watchFiles } from '#src/main/roles/files/watched-files.ts';
import { endOnDefect } from '#src/main/roles/processes/defects.ts';
import { collectWhenIdle } from '#src/main/roles/processes/idle-memory.ts';
import { createLog } from '#src/main/roles/processes/log.ts';
import { serveProbes } from '#src/main/roles/processes/probes.ts';
import type { Readiness } from '#src/main/roles/processes/readiness.ts';
import { startRoles } from '#src/main/roles/roles.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { openRequesterConnection } from '#src/nats/transport/requester.ts';
import { startTracing } from '#src/tracing/sdk.ts';
import type { Call } from '../../call.ts';
import { durabilityOf } from '../../durability.ts';
import { usageProblem } from '../../problem.ts';
import { explainTarget } from '../../session.ts';
import { callersOf } from './callers.ts';
import { asOneWord } from './one-word.ts';
import { rolesFrom } from './roles-from-configuration.ts';
import type { Running, ServeOptions } from './running.ts';

/** The log for events of NATS, and whether the process stops. */
type Reports = { log: Logger; stopping: AbortSignal };

/** The time when installation and builds ended, or 0. The reported start time excludes them. */
function installedAt(): number {
  return performance.getEntriesByName(INSTALLED).at(-1)?.startTime ?? 0;
}

const INSTALLED = 'sequent-installed';

/**
 * Starts the server if requested, connects, starts the roles and defines the examples.
 *
 * `undefined` when `signal` was aborted meanwhile; everything that was started is then stopped.
 */
export async function start(call: Call<ServeOptions>, signal: AbortSignal, env: Environment = process.env): Promise<Running | undefined> {
  const configuration = configurationOf(call, env);
  const port = portOf(call.options.natsPort);
  const log = createLog({ level: configuration.logLevel });
  endOnDefect(log);
  const reports: Reports = { log, stopping: signal };
  if (configuration.roles.includes('gateway')) preparePages(call);
  await protectFiles(configuration, log);
  const reporting = await startReporting(configuration, log);
  const isServerNeeded = call.options.startServer && requestedNats(configuration, env) === undefined;
  const server = isServerNeeded ? await startOwnServer(call, { ...configuration, port }, reports) : undefined;
  const undo: (() => Promise<void>)[] = [async () => await server?.stop(), () => reporting.end()];
  try {
    const { connection, requester, address } = await connect(configuration, server, reports);
    undo.unshift(
      async () => await requester?.close(),
      () => connection.close(),
    );
    const files = watchFiles(log);
    undo.unshift(async () => files.close());
    watchNatsFiles(files, { address, responders: respondersNats(address, configuration) });
    const callers = callersOf(configuration);
    const durability = durabilityOf(server?.fsync, factsOf(connection).serverVersion);
    const roles = await startRoles({
      ...rolesFrom({ ...configuration, ownFsync: server?.fsync }, address, callers),
      connection,
      ...(requester === undefined ? {} : { requester }),
      ...(server === undefined ? {} : { durability: durability.class }),
      ...(call.options.inspectorPort === undefined ? {} : { inspectorPort: call.options.inspectorPort }),
      files,
      logger: log,
    });
    const deployed = call.options.deployExamples ? await defineExamples(roles.registry) : [];
    const endCollecting = collectWhenIdle();
    undo.unshift(async () => endCollecting());
    const stop = async (graceInMs: number): Promise<void> => {
      endCollecting();
      files.close();
      await roles.stop(graceInMs);
      await requester?.close();
      await server?.stop();
      await reporting.end();
    };
    reporting.setReadiness(roles.readiness);
    const { localToken } = callers;
    const reload = (): Promise<void> => files.reload();
    const running = { configuration, server, localToken, http: roles.gateway, ...factsOf(connection), durability, reload };
    if (!signal.aborted) return { ...running, roles, examples: deployed, startedInMs: performance.now() - installedAt(), stop };
    await stop(0);
    return undefined;
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
}

type OpenedNats = { connection: Connection; requester: Connection | undefined; address: Omit<NatsAddress, 'from'> };

async function connect(configuration: Configuration, server: EmbeddedServer | undefined, reports: Reports): Promise<OpenedNats> {
  const { dataDir, roles } = configuration;
  const found = server === undefined ? await findNats(configuration) : ownAddress(server);
  const { from: _, ...address } = found;
  const options = { role: roles[0] ?? '', ...natsOptionsOf(address), name: 'sequent' };
  const connection = await openConnection(options, { onUnanswered: (problem) => report('warn', problem, {}, reports) }).catch(
    explainTarget({ address: found, dataDir }),
  );
  watch(connection, reports);
  try {
    return { connection, requester: await openRequester(configuration, address), address };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function ownAddress({ url, keyFile }: EmbeddedServer): NatsAddress {
  return { servers: [url], nkeyFile: keyFile, from: 'its own server' };
}

async function openRequester(configuration: Configuration, address: Omit<NatsAddress, 'from'>): Promise<Connection | undefined> {
  if (!configuration.roles.includes('worker')) return undefined;
  const responders = respondersNats(address, configuration);
  return await openRequesterConnection(natsOptionsOf(responders)).catch(
    explainTarget({ address: { ...responders, from: 'the settings for responders' }, dataDir: configuration.dataDir }),
  );
}

/** The data folder is made private. Files of the operator are only reported, because other programs may need them. */
async function protectFiles(configuration: Configuration, log: Logger): Promise<void> {
  const { dataDir, credentials, connections, natsCreds, natsNkey, respondersCreds, respondersNkey, signingKey, httpTlsKey, encryptionKey } =
    configuration;
  await makePrivate(dataDir);
  for (const file of await readableByOthers([
    credentials,
    connections,
    natsCreds,
    natsNkey,
    respondersCreds,
    respondersNkey,
    signingKey,
    httpTlsKey,
    encryptionKey,
  ]))
    log.warn({ file }, `other users of this machine can read ${file}; run: chmod 600 ${file}`);
}

function preparePages({ terminal }: Call<ServeOptions>): void {
  buildPages({
    say(line) {
      terminal.err.line(`sequent: ${line}`);
      performance.mark(INSTALLED);
    },
  });
}

function configurationOf({ options, terminal }: Call<ServeOptions>, env: Environment): Configuration {
  const quiet = terminal.err.isTty ? { SEQUENT_LOG_LEVEL: 'warn' } : {};
  return readConfiguration({ flags: { ...options, natsUrl: options.server }, env: { ...quiet, ...env } });
}

async function startOwnServer(
  { terminal }: Call<ServeOptions>,
  { dataDir, fsync, natsAnonymous: anonymous, port }: Configuration & { port: number },
  reports: Reports,
): Promise<EmbeddedServer> {
  const { bin } = await ensureServer({ say: (line) => terminal.err.line(`sequent: ${line}`) });
  return await startServer({
    bin,
    dataDir,
    fsync,
    anonymous,
    ...(port === 0 ? {} : { port }),
    onEvent: (event) => logServer(event, reports),
  });
}

/** Every connection to NATS reads its files itself (`natsOptionsOf`). The watch reports files that a later connection could not use. */
function watchNatsFiles(
  files: WatchedFiles,
  { address, responders }: { [Name in 'address' | 'responders']: Omit<NatsAddress, 'from'> },
): void {
  const sources: [string, Omit<NatsAddress, 'from'>][] = [['the credentials and TLS files of NATS', address]];
  if (responders !== address) sources.push(['the credentials and TLS files for responders', responders]);
  for (const [name, { credsFile, nkeyFile, tls, servers }] of sources) {
    const named = [credsFile, nkeyFile, tls?.caFile, tls?.certFile, tls?.keyFile].filter((file) => file !== undefined);
    if (named.length === 0) continue;
    const reload = (): void => void natsOptionsOf({ servers, credsFile, nkeyFile, ...(tls === undefined ? {} : { tls }) });
    files.watch({ name, files: named, reload });
  }
}

function portOf(text = '4222'): number {
  const port = parseWholeNumber(text, 0, 65_535);
  if (port !== undefined) return port;
  throw usageProblem(
    'a setting is not valid',
    `--nats-port must be a port from 0 to 65535, not "${text}"`,
    '--nats-port 0, which takes any free port',
  );
}

function logServer(event: ServerEvent, reports: Reports): void {
  if (event.type === 'restarted') report('warn', 'the NATS server runs again', event, reports);
  else if (event.type === 'exited') report('error', 'the NATS server ended and is started again', event, reports);
  else report('error', 'the NATS server could not be started again yet', event, reports);
}

function watch(connection: Connection, reports: Reports): void {
  connection.onDisconnect(() => report('warn', 'the connection to NATS is lost; reconnecting', {}, reports));
  connection.onReconnect(() => report('warn', 'connected to NATS again', {}, reports));
  connection.refusals.onMissingPermission((message) => report('error', message, {}, reports));
}

/** During a stop a lost NATS is no problem: one signal may have reached the whole process group. */
function report(level: 'warn' | 'error', message: string, facts: object, { log, stopping }: Reports): void {
  log[stopping.aborted ? 'info' : level](facts, message);
}

function factsOf({ nats, servers }: Connection): { url: string; serverVersion: string } {
  return { url: asOneWord(servers), serverVersion: nats.info?.version ?? 'unknown' };
}

/** What supervisors and operators see of this process from outside: its probes and its spans. */
type Reporting = { setReadiness(readiness: Readiness): void; end(): Promise<void> };

/** Starts both before the roles: a role takes its tracer when it starts, and until then the process is not ready. */
async function startReporting({ probes: address, roles }: Configuration, log: Logger): Promise<Reporting> {
  const probes = address === undefined ? undefined : await serveProbes(address);
  const tracing = await startTracing({ version: VERSION, roles, onProblem: (problem) => log.warn({}, problem) });
  return {
    setReadiness: (readiness) => probes?.setReadiness(readiness),
    async end() {
      await tracing?.end();
      probes?.close();
    },
  };
}
