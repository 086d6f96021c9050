import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Fsync, isServerName, readRecord, serverFiles, urlOf } from './files.ts';
import { greetingOf } from './tether.ts';

/** `keyFile` has the seed of Sequent's user; it is `undefined` for a server that an earlier version started. */
export type RunningServer = { url: string; pid: number; monitorUrl: string; fsync: Fsync; keyFile: string | undefined };

/** The server that runs on a data folder now, if any. Creates and starts nothing. */
export async function findRunningServer(dataDir: string): Promise<RunningServer | undefined> {
  if (!existsSync(join(dataDir, 'nats'))) return undefined;
  const files = serverFiles(dataDir);
  const { pid, port, monitorUrl, fsync } = readRecord(files) ?? {};
  if (pid === undefined || port === undefined || monitorUrl === undefined || fsync === undefined) return undefined;
  if ((await greetingOf(port))?.server_name !== files.serverName) return undefined;
  return { url: urlOf(port), pid, monitorUrl, fsync, keyFile: existsSync(files.key) ? files.key : undefined };
}

/** The file with the key for a server, if the server is the one of this data folder. */
export async function findKeyFor(url: string, dataDir: string): Promise<string | undefined> {
  const port = loopbackPortOf(url);
  if (port === undefined || !existsSync(join(dataDir, 'nats'))) return undefined;
  const { key, serverName } = serverFiles(dataDir);
  return existsSync(key) && (await greetingOf(port))?.server_name === serverName ? key : undefined;
}

/** The file with the key for requests to responders, if `keyFile` is that of the server which runs on this data folder. */
export function findRespondersKey(keyFile: string | undefined, dataDir: string): string | undefined {
  if (keyFile === undefined || !existsSync(join(dataDir, 'nats'))) return undefined;
  const files = serverFiles(dataDir);
  const isOwn = keyFile === files.key && readRecord(files)?.responders === true;
  return isOwn && existsSync(files.respondersKey) ? files.respondersKey : undefined;
}

/** Whether the server on an address is the embedded server of any data folder of this machine. */
export async function isEmbeddedServer(url: string): Promise<boolean> {
  const port = loopbackPortOf(url);
  return port !== undefined && isServerName((await greetingOf(port))?.server_name ?? '');
}

const DEFAULT_PORT = 4222;

/** The port of an address on this machine, where the embedded server listens. */
function loopbackPortOf(url: string): number | undefined {
  const { hostname, port } = new URL(url.includes('://') ? url : `nats://${url}`);
  if (!/^(?:127\.0\.0\.1|localhost)$/.test(hostname)) return undefined;
  return port === '' ? DEFAULT_PORT : Number(port);
}
