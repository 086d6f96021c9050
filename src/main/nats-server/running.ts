import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#src/core/ports/clock.ts';
import { lookUpAgain } from '#src/core/time/look-up-again.ts';
import { ServerSilentError } from './errors.ts';
import { type Fsync, isServerName, readRecord, type ServerFiles, serverFiles, urlOf } from './files.ts';
import { isRunning, isStopped, serversWith } from './processes.ts';
import { greetingOf } from './tether.ts';

/** `keyFile` has the seed of Sequent's user; it is `undefined` for a server that an earlier version started. */
export type RunningServer = { url: string; pid: number; monitorUrl: string; fsync: Fsync; keyFile: string | undefined };

/**
 * The server of a data folder: `silent` while its process runs and greets no client, `ended` when Sequent started a server on the folder
 * before and none runs now. `undefined` for a folder without a server.
 */
export type OwnServer =
  | { state: 'running'; server: RunningServer }
  | { state: 'silent'; pid: number; port: number | undefined; isStopped: boolean }
  | { state: 'ended' };

/** A running server greets at once. After this time, its process is looked at. */
const GREETS_WITHIN_MS = 1_500;
/** The pauses of about ten seconds: a server that starts, or that is overloaded, greets late. */
const LATE_GREETINGS_IN_MS = Array<number>(5).fill(500);

/** Finds the server of a data folder. Creates and starts nothing. Takes about ten seconds for a server that does not greet. */
export async function findOwnServer(dataDir: string): Promise<OwnServer | undefined> {
  if (!existsSync(join(dataDir, 'nats'))) return undefined;
  const files = serverFiles(dataDir);
  if (readRecord(files)?.pid === undefined) return undefined;
  const running = await greetedBy(files);
  if (running !== undefined) return { state: 'running', server: running };
  const [pid] = await serversWith(files.config);
  if (pid === undefined) return { state: 'ended' };
  const late = (await isStopped(pid)) ? undefined : await lookUpAgain(() => greetedBy(files), lateGreetings);
  if (late !== undefined) return { state: 'running', server: late };
  if (!(await isRunning(pid, files.config))) return { state: 'ended' };
  return { state: 'silent', pid, port: readRecord(files)?.port, isStopped: await isStopped(pid) };
}

const lateGreetings = { clock: systemClock, pausesInMs: LATE_GREETINGS_IN_MS };

/** The recorded server, if it greets and is that of the folder. The record changes when the server is started again. */
async function greetedBy(files: ServerFiles): Promise<RunningServer | undefined> {
  const { pid, port, monitorUrl, fsync } = readRecord(files) ?? {};
  if (pid === undefined || port === undefined || monitorUrl === undefined || fsync === undefined) return undefined;
  if ((await greetingOf(port, GREETS_WITHIN_MS))?.server_name !== files.serverName) return undefined;
  return { url: urlOf(port), pid, monitorUrl, fsync, keyFile: existsSync(files.key) ? files.key : undefined };
}

/** The server that runs on a data folder now and answers, if any. */
export async function findRunningServer(dataDir: string): Promise<RunningServer | undefined> {
  const own = await findOwnServer(dataDir);
  return own?.state === 'running' ? own.server : undefined;
}

/**
 * The file with the key for a server, if the server is the one of this data folder. Throws `ServerSilentError` when the address is that of
 * the folder's server, which does not answer.
 */
export async function findKeyFor(url: string, dataDir: string): Promise<string | undefined> {
  const port = loopbackPortOf(url);
  if (port === undefined || !existsSync(join(dataDir, 'nats'))) return undefined;
  const files = serverFiles(dataDir);
  if (readRecord(files)?.port === port) {
    const own = await findOwnServer(dataDir);
    if (own?.state === 'silent') throw new ServerSilentError({ dataDir, ...own });
    if (own?.state === 'running') return own.server.keyFile;
  }
  return existsSync(files.key) && (await greetingOf(port))?.server_name === files.serverName ? files.key : undefined;
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
