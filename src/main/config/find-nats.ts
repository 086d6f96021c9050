import { ServerEndedError, ServerSilentError } from '#src/main/nats-server/errors.ts';
import type { Environment } from '#src/main/nats-server/find.ts';
import { findKeyFor, findOwnServer, findRespondersKey } from '#src/main/nats-server/running.ts';
import type { Configuration } from './configuration.ts';
import { defined } from './defined.ts';
import { addressOf, type NatsAddress, type NatsTls } from './nats-address.ts';
import { readNatsContext, selectedNatsContext } from './nats-context.ts';

type Overrides = Pick<
  Configuration,
  'natsCreds' | 'natsNkey' | 'natsCa' | 'natsCert' | 'natsKey' | 'natsTlsFirst' | 'natsDomain' | 'natsInboxPrefix'
>;
type Wanted = Pick<Configuration, 'natsUrls' | 'natsContext' | 'dataDir' | 'given'> & Overrides;

const DEFAULT_URL = 'nats://127.0.0.1:4222';
/** The `from` of the address that is used when no setting names one. */
export const DEFAULT_SOURCE = 'the default';
/** The `from` of the server that runs on the data folder. */
export const ownServerSource = (dataDir: string): string => `the server of ${dataDir}`;

/**
 * The NATS that a command connects to. The first source that names one decides:
 *
 * 1. a flag: `--server`, or `--context` with the name of a context of the `nats` command,
 * 2. the environment: `NATS_URL`, or `NATS_CONTEXT`,
 * 3. the server that runs on the data folder now, started by `npm start` or `sequent serve --start-server`,
 * 4. the context that is selected in the `nats` command,
 * 5. `nats://127.0.0.1:4222`, unless Sequent started a server on the data folder before.
 *
 * Throws `ServerSilentError` when 3 decides and the server does not answer, and `ServerEndedError` when 5 would decide and the folder has a
 * server, which does not run.
 *
 * A server of the data folder gets the key of this folder, however it is named.
 * The settings of credentials, TLS, domain and inbox prefix replace those of every source but 3.
 */
export async function findNats(configuration: Wanted, env: Environment = process.env): Promise<NatsAddress> {
  const requested = requestedNats(configuration, env);
  if (requested !== undefined) return await withOwnKey(requested, configuration.dataDir);
  const { dataDir } = configuration;
  const own = await findOwnServer(dataDir);
  if (own?.state === 'running') {
    const { url, keyFile } = own.server;
    return { servers: [url], ...defined({ nkeyFile: keyFile }), from: ownServerSource(dataDir) };
  }
  if (own?.state === 'silent') throw new ServerSilentError({ dataDir, ...own });
  const selected = selectedNatsContext(env);
  if (selected !== undefined) return withOverrides(readNatsContext(selected, env), configuration);
  // Whatever listens on the default port is a stranger to a folder that has a server of its own.
  if (own?.state === 'ended') throw new ServerEndedError({ dataDir });
  return withOverrides({ servers: [DEFAULT_URL], from: DEFAULT_SOURCE }, configuration);
}

/**
 * The NATS that a flag or the environment names (1 and 2 of {@link findNats}), or `undefined`.
 *
 * `serve --start-server` starts its own server exactly when this is `undefined`. A selected context does not prevent that.
 */
export function requestedNats(configuration: Wanted, env: Environment = process.env): NatsAddress | undefined {
  const { natsUrls, natsContext, given } = configuration;
  const contextGoesFirst = given.natsContext === 'flag' || natsUrls === undefined;
  if (natsContext !== undefined && contextGoesFirst) return withOverrides(readNatsContext(natsContext, env), configuration);
  if (natsUrls === undefined) return undefined;
  return withOverrides({ ...addressOf(natsUrls), from: given.natsUrls === 'flag' ? '--server' : 'NATS_URL' }, configuration);
}

/** Adds the key of the data folder when its own server is named without credentials, as by NATS_URL in the folder of `npm start`. */
async function withOwnKey(address: NatsAddress, dataDir: string): Promise<NatsAddress> {
  const [server = '', ...others] = address.servers;
  if (hasCredentials(address) || others.length > 0) return address;
  return { ...address, ...defined({ nkeyFile: await findKeyFor(server, dataDir) }) };
}

/** Whether an address names a user. A server may then refuse this user, but never takes the client for an anonymous one. */
export function hasCredentials({ user, token, credsFile, nkeyFile }: Omit<NatsAddress, 'from'>): boolean {
  return [user, token, credsFile, nkeyFile].some((given) => given !== undefined);
}

type RespondersSettings = Partial<Pick<Configuration, 'respondersUrls' | 'respondersCreds' | 'respondersNkey'>> &
  Pick<Configuration, 'dataDir'>;

/**
 * The address of the responders of functions: `address`, unless `--responders-server`, `--responders-creds` or `--responders-nkey` replace parts of it. The server of
 * the data folder has a user for such requests.
 */
export function respondersNats(
  address: Omit<NatsAddress, 'from'>,
  { respondersUrls, respondersCreds, respondersNkey, dataDir }: RespondersSettings,
): Omit<NatsAddress, 'from'> {
  const { nkeyFile, inboxPrefix, ...rest } = address;
  // Credentials and an inbox prefix belong to the user of the roles.
  const own = respondersUrls === undefined ? rest : { ...defined({ tls: address.tls }), ...addressOf(respondersUrls) };
  if (respondersCreds !== undefined || respondersNkey !== undefined)
    return { ...own, ...defined({ credsFile: respondersCreds, nkeyFile: respondersNkey }) };
  if (respondersUrls !== undefined) return own;
  const ownKey = findRespondersKey(nkeyFile, dataDir);
  return ownKey === undefined ? address : { ...own, nkeyFile: ownKey };
}

function withOverrides({ credsFile, nkeyFile, ...address }: NatsAddress, settings: Overrides): NatsAddress {
  const { natsCreds, natsNkey, natsDomain, natsInboxPrefix } = settings;
  const isOverridden = natsCreds !== undefined || natsNkey !== undefined;
  const tls = { ...address.tls, ...tlsOf(settings) };
  return {
    ...address,
    ...defined(isOverridden ? { credsFile: natsCreds, nkeyFile: natsNkey } : { credsFile, nkeyFile }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    ...defined({ domain: natsDomain, inboxPrefix: natsInboxPrefix }),
  };
}

function tlsOf({ natsCa, natsCert, natsKey, natsTlsFirst }: Overrides): NatsTls {
  return defined({ caFile: natsCa, certFile: natsCert, keyFile: natsKey, handshakeFirst: natsTlsFirst || undefined });
}
