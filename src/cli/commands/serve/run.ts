import { join } from 'node:path';
import type { Logger } from 'pino';
import { parseWholeNumber } from '#src/core/text/whole-number.ts';
import { examples } from '#src/examples/index.ts';
import { archiveOf, type Configuration, grantsOf, readConfiguration } from '#src/main/config/configuration.ts';
import { findNats, requestedNats, respondersNats } from '#src/main/config/find-nats.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { type EmbeddedServer, type ServerEvent, startServer } from '#src/main/nats-server/start.ts';
import { buildPages } from '#src/main/roles/build-pages.ts';
import { endOnDefect } from '#src/main/roles/defects.ts';
import { createLog } from '#src/main/roles/log.ts';
import { type RunningRoles, startRoles } from '#src/main/roles/roles.ts';
import { natsOptionsOf } from '#src/nats/transport/connect-options.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection.ts';
import { openRequesterConnection } from '#src/nats/transport/requester.ts';
import type { Call } from '../../call.ts';
import { durabilityOf } from '../../durability.ts';
import { usageProblem } from '../../problem.ts';
import { explainTarget } from '../../session.ts';
import { callersOf } from './callers.ts';
import type { Running, ServeOptions } from './running.ts';

/** Where the process says what happens to NATS, and whether it stops. */
type Reports = { log: Logger; stopping: AbortSignal };

/** When everything was there to start from, if something had to be made first: that time is not ours. */
function installedAt(): number {
  return performance.getEntriesByName(INSTALLED).at(-1)?.startTime ?? 0;
}

const INSTALLED = 'sequent-installed';

/** Starts the server if asked, connects, starts the roles, defines the examples. `undefined` when it was told to stop meanwhile. */
export async function start(call: Call<ServeOptions>, signal: AbortSignal): Promise<Running | undefined> {
  const configuration = configurationOf(call);
  const log = createLog({ level: configuration.logLevel });
  endOnDefect(log);
  const reports: Reports = { log, stopping: signal };
  if (configuration.roles.includes('gateway')) preparePages(call);
  const server =
    call.options.startServer && requestedNats(configuration) === undefined ? await startOwnServer(call, configuration, reports) : undefined;
  const stopping: (() => Promise<void>)[] = server === undefined ? [] : [() => server.stop()];
  try {
    const { from, ...address } = server === undefined ? await findNats(configuration) : { servers: [server.url], from: 'its own server' };
    const options = { ...natsOptionsOf(address), name: 'sequent' };
    const connection = await openConnection(options).catch(explainTarget({ from }));
    stopping.unshift(() => connection.close());
    watch(connection, reports);
    const requester = await openRequester(configuration, address);
    if (requester !== undefined) stopping.unshift(() => requester.close());
    const { dataDir, logLevel } = configuration;
    const archive = archiveOf(configuration);
    const projection = { address, dataDir, logLevel, archive };
    const { retentionInMs: maxAgeInMs, retentionInvocations: maxInvocations, historyRetentionInMs } = configuration;
    const janitor = { address, logLevel, archive, historyRetentionInMs, retention: { maxAgeInMs, maxInvocations } };
    const { credentials, localToken } = callersOf(configuration);
    const gateway = { ...configuration, address, credentials };
    const { place, ...settings } = rolesOptions(configuration);
    const ownPlace = { ...place, project: configuration.project ?? credentials[0]?.project ?? place.project };
    const durability = durabilityOf(server?.fsync);
    const own = server === undefined ? {} : { durability: durability.class };
    const roles = await startRoles({
      connection,
      ...(requester === undefined ? {} : { requester }),
      ...settings,
      ...own,
      tenancy: ownPlace,
      projection,
      janitor,
      gateway,
      logger: log,
    });
    const running = { configuration, server, localToken, http: roles.gateway, ...factsOf(connection), durability };
    const deployed = call.options.deployExamples ? await deployExamples(roles) : [];
    const stop = async (graceInMs: number): Promise<void> => {
      await roles.stop(graceInMs);
      await requester?.close();
      await server?.stop();
    };
    if (!signal.aborted) return { ...running, examples: deployed, startedInMs: performance.now() - installedAt(), stop };
    await stop(0);
    return undefined;
  } catch (error) {
    for (const stop of stopping) await stop();
    throw error;
  }
}

async function openRequester(configuration: Configuration, address: Omit<NatsAddress, 'from'>): Promise<Connection | undefined> {
  if (!configuration.roles.includes('worker')) return undefined;
  const options = natsOptionsOf(respondersNats(address, configuration));
  return await openRequesterConnection(options).catch(explainTarget({ from: 'the settings for responders' }));
}

function preparePages({ terminal }: Call<ServeOptions>): void {
  buildPages({
    say(line) {
      terminal.err.line(`sequent: ${line}`);
      performance.mark(INSTALLED);
    },
  });
}

function configurationOf({ options, terminal }: Call<ServeOptions>): Configuration {
  const quiet = terminal.err.isTty ? { SEQUENT_LOG_LEVEL: 'warn' } : {};
  return readConfiguration({ flags: { ...options, natsUrl: options.server }, env: { ...quiet, ...process.env } });
}

function rolesOptions(configuration: Configuration) {
  const { roles, replicas, resultsStorage, resultsMaxAgeInHours, leaseInMs, patienceInMs, maxHops, maxChain } = configuration;
  return {
    roles,
    topology: { replicas, resultsStorage, resultsMaxAgeInMs: resultsMaxAgeInHours * 3_600_000 },
    leaseInMs,
    patienceInMs,
    maxHops,
    maxChain,
    maxDeliveryAgeInMs: configuration.deliveryAgeInMs,
    codeDir: join(configuration.dataDir, 'code', 'packages'),
    connectionsFile: configuration.connections,
    grants: grantsOf(configuration),
    place: { region: 'local', project: 'default', envelope: configuration.envelope },
  };
}

async function startOwnServer(
  { options, terminal }: Call<ServeOptions>,
  { dataDir, fsync }: Configuration,
  reports: Reports,
): Promise<EmbeddedServer> {
  const { bin } = await ensureServer({ say: (line) => terminal.err.line(`sequent: ${line}`) });
  const port = portOf(options.natsPort);
  return await startServer({ bin, dataDir, fsync, ...(port === 0 ? {} : { port }), onEvent: (event) => logServer(event, reports) });
}

function portOf(text = '4222'): number {
  const port = parseWholeNumber(text, 0, 65_535);
  if (port !== undefined) return port;
  throw usageProblem(
    'a setting cannot be accepted',
    `--nats-port must be a port from 0 to 65535, not "${text}"`,
    '--nats-port 0, which takes any free one',
  );
}

function logServer(event: ServerEvent, reports: Reports): void {
  if (event.type === 'restarted') report('warn', 'the NATS server runs again', event, reports);
  else if (event.type === 'exited') report('error', 'the NATS server ended; it is started again', event, reports);
  else report('error', 'the NATS server could not be started again yet', event, reports);
}

function watch(connection: Connection, reports: Reports): void {
  connection.onDisconnect(() => report('warn', 'the connection to NATS is lost; trying again', {}, reports));
  connection.onReconnect(() => report('warn', 'connected to NATS again', {}, reports));
  connection.refusals.onMissingPermission((message) => report('error', message, {}, reports));
}

/** In a stop it is no trouble that NATS is away: one signal may have reached the whole process group. */
function report(level: 'warn' | 'error', message: string, facts: object, { log, stopping }: Reports): void {
  log[stopping.aborted ? 'info' : level](facts, message);
}

function factsOf({ nats, servers }: Connection): { url: string; serverVersion: string } {
  return { url: servers, serverVersion: nats.info?.version ?? 'unknown' };
}

async function deployExamples({ registry }: RunningRoles): Promise<string[]> {
  for (const definition of examples) await registry.put(definition);
  return examples.map(({ name }) => name);
}
